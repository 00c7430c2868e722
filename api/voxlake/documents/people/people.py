"""Users, groups, tokens, and what is shared with whom."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import Field

from voxlake.documents.document import Document

if TYPE_CHECKING:
    from voxlake.platform.catalog.identity.person import Group, User
    from voxlake.platform.catalog.identity.sessions import Session
    from voxlake.platform.catalog.identity.tokens import Token
    from voxlake.platform.catalog.rights.shares import Share


class UserDocument(Document):
    """A person or a program that says who it is."""

    name: str
    full_name: str = ""
    email: str = ""
    is_administrator: bool = Field(default=False, description="Whether everything is theirs to do.")
    created_at: datetime
    disabled_at: datetime | None = Field(None, description="Since when they are nobody here.")
    roles: tuple[str, ...] = Field(
        (), description="resource-manager: makes collections; user-manager: adds users."
    )


class UserList(Document):
    """Users of a lake, sorted by name."""

    users: tuple[UserDocument, ...]
    next: str | None = Field(None, description="Ask for more with `after`; null: there are none.")


class MemberDocument(Document):
    """A user in a group."""

    user: str
    standing: str = Field(description="member, maintainer or owner.")


class GroupDocument(Document):
    """What rights attach to."""

    name: str
    members: tuple[MemberDocument, ...]
    is_personal: bool = Field(default=False, description="Whether it is one user's own.")
    claim: str | None = Field(
        None, description="Who has this among their groups at the issuer is in it, too."
    )


class GroupList(Document):
    """Groups of a lake, sorted by name."""

    groups: tuple[GroupDocument, ...]
    next: str | None = Field(None, description="Ask for more with `after`; null: there are none.")


class TokenDocument(Document):
    """What a program carries in the place of a user; nobody can see its secret again."""

    id: int
    user: str
    name: str
    start: str = Field(description="How it begins, to tell it from others.")
    permissions: tuple[str, ...] = Field(description="What may be used with it at most.")
    place: str | None = Field(None, description="Where it is good, and below; null: everywhere.")
    created_at: datetime
    ends_at: datetime | None = None
    used_at: datetime | None = Field(None, description="When it was used last, to the minute.")
    revoked_at: datetime | None = None


class TokenList(Document):
    """Tokens, the oldest first."""

    tokens: tuple[TokenDocument, ...]
    next: int | None = Field(None, description="Ask for more with `after`; null: there are none.")


class NewTokenDocument(Document):
    """A token that was just made."""

    token: TokenDocument
    secret: str = Field(description="Shown once: send it as `Authorization: Bearer SECRET`.")


class SessionDocument(Document):
    """A browser in which a user is signed in."""

    id: int
    user: str
    created_at: datetime
    seen_at: datetime = Field(description="When it asked for something last, to the minute.")
    ends_at: datetime = Field(description="When it is over at the latest.")


class SessionList(Document):
    """Sessions that are not over, the oldest first."""

    sessions: tuple[SessionDocument, ...]


class ShareDocument(Document):
    """What a group may do at a place, and below it if it inherits."""

    place: str = Field(description="COLLECTION/EXPERIMENT/DATASET or its start; empty: the lake.")
    group: str
    role: str | None = Field(None, description="None: a set of permissions without a name.")
    permissions: tuple[str, ...]
    inherits: bool = True
    starts_at: datetime | None = None
    ends_at: datetime | None = None


class ShareList(Document):
    """What is shared at a place and above it."""

    shares: tuple[ShareDocument, ...]


class AuditDocument(Document):
    """One change of people, rights or names."""

    id: int
    at: datetime
    by: str = Field(description="A user, or the login name of whoever ran a command.")
    action: str
    subject: str
    detail: str = ""


class AuditList(Document):
    """Changes, the newest first."""

    changes: tuple[AuditDocument, ...]
    next: int | None = Field(None, description="Ask for more with `before`; null: there are none.")


class MeDocument(Document):
    """Who asks, as the server knows them."""

    name: str
    is_administrator: bool = Field(description="Whether everything in the lake is theirs to do.")
    groups: tuple[str, ...] = Field(description="Whose rights are theirs; `public` is everybody.")
    permissions: tuple[str, ...] = Field(
        description="What may be used at most with what was asked by; rights are not implied."
    )
    place: str | None = Field(None, description="Where it is good, and below; null: everywhere.")
    ends_at: datetime | None = Field(None, description="When it is over; null: not said.")
    way: str | None = Field(None, description="local, session, bearer (of the issuer) or token.")


def user_document(user: User) -> UserDocument:
    """Return a user."""
    return UserDocument.model_validate(user)


def group_document(group: Group) -> GroupDocument:
    """Return a group."""
    return GroupDocument.model_validate(group)


def token_document(token: Token) -> TokenDocument:
    """Return a token."""
    return TokenDocument(
        id=token.id,
        user=token.user,
        name=token.name,
        start=token.start,
        permissions=tuple(sorted(token.terms.permissions)),
        place=token.place,
        created_at=token.created_at,
        ends_at=token.terms.ends_at,
        used_at=token.used_at,
        revoked_at=token.revoked_at,
    )


def session_document(session: Session) -> SessionDocument:
    """Return a session."""
    return SessionDocument.model_validate(session)


def share_document(share: Share) -> ShareDocument:
    """Return what is shared."""
    grant = share.grant
    return ShareDocument(
        place=share.place,
        group=share.group,
        role=share.role,
        permissions=tuple(sorted(grant.permissions)),
        inherits=grant.inherits,
        starts_at=grant.starts_at,
        ends_at=grant.ends_at,
    )
