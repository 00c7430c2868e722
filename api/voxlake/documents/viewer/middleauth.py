"""What viewers and services of the middleauth protocol are told, in the words of CAVE."""

from __future__ import annotations

from voxlake.documents.document import Document


class AuthInfoDocument(Document):
    """Where those sign in who want to read from this server."""

    login_url: str


class CaveUserDocument(Document):
    """Who carries a token, as services of CAVE ask for it."""

    id: int
    parent_id: int | None = None
    service_account: bool = False
    name: str
    email: str
    admin: bool
    pi: str = ""
    affiliations: tuple[str, ...] = ()
    groups: tuple[str, ...]
    permissions: dict[str, int]
    """By the name of a dataset: 1 reads it, 2 writes it too."""
    permissions_v2: dict[str, tuple[str, ...]]
    permissions_v2_ignore_tos: dict[str, tuple[str, ...]]
    missing_tos: tuple[str, ...] = ()
    datasets_admin: tuple[str, ...] = ()
    groups_admin: tuple[str, ...] = ()


class CaveTokenDocument(Document):
    """A token of a user; nobody can see its secret again."""

    id: int
    user_id: int
    token: str
    """How it begins."""
