"""Users, groups, tokens and shares, as people see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from voxlake.cli.shown.output import Shown, facts, size, table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voxlake.documents.people.links import LinkDocument, NewLinkDocument
    from voxlake.documents.people.people import (
        AuditList,
        GroupDocument,
        MeDocument,
        NewTokenDocument,
        SessionDocument,
        ShareDocument,
        TokenDocument,
        UserDocument,
    )
    from voxlake.documents.people.usage import ClassAdviceList, LimitList, StoredList, UsageDocument


def shown_users(users: Iterable[UserDocument]) -> Shown:
    """Yield what people see of users."""
    rows = (
        (each.name, each.full_name, each.email, _roles(each), each.disabled_at) for each in users
    )
    yield table(("user", "full name", "email", "roles", "disabled"), rows)


def _roles(user: UserDocument) -> str:
    return ", ".join((*(["administrator"] if user.is_administrator else []), *user.roles))


def shown_usage(usage: UsageDocument) -> Shown:
    """Yield what people see of what was used."""
    rows = ((u.account, u.dataset, u.requests, u.egress, u.ingress) for u in usage.used)
    yield table(("user", "dataset", "requests", "bytes sent", "bytes received"), rows)


def shown_limits(limits: LimitList) -> Shown:
    """Yield what people see of limits."""
    rows = ((each.subject, each.metric.value, each.limit) for each in limits.limits)
    yield table(("of", "what", "bytes in a month, or stored"), rows)


def shown_classes(found: ClassAdviceList) -> Shown:
    """Yield what people see of classes of storage."""
    rows = (
        (
            *(one.dataset, size(one.stored_bytes), size(one.read_bytes)),
            one.storage_class or "where it is",
            *(f"{one.present:,.2f}", f"{one.cheapest:,.2f}"),
        )
        for one in found.advice
    )
    money = f"{found.currency} a month"
    yield table(("dataset", "stored#", "read a month#", "cheapest", f"{money}#", "there#"), rows)
    yield Text(f"{found.saved:,.2f} {money} would be saved, by {found.prices}")


def shown_stored(stored: StoredList) -> Shown:
    """Yield what people see of what is stored."""
    rows = ((one.dataset, one.objects, one.bytes, one.measured_at) for one in stored.stored)
    yield table(("dataset", "objects#", "bytes#", "measured"), rows)


def shown_groups(groups: Iterable[GroupDocument]) -> Shown:
    """Yield what people see of groups."""
    yield table(("group", "members"), ((each.name, _members(each)) for each in groups))


def _members(group: GroupDocument) -> str:
    if group.name == "public":
        return "everybody"
    ordinary = "owner" if group.is_personal else "member"
    names = [
        each.user if each.standing == ordinary else f"{each.user} ({each.standing})"
        for each in group.members
    ]
    return ", ".join(names + ([f"all of {group.claim} at the issuer"] if group.claim else []))


def shown_tokens(tokens: Iterable[TokenDocument]) -> Shown:
    """Yield what people see of tokens."""
    rows = (
        (each.id, each.user, each.name, f"{each.start}...", each.used_at, _end(each))
        for each in tokens
    )
    yield table(("token", "user", "name", "begins", "used", "over"), rows)


def _end(token: TokenDocument) -> object:
    return token.ends_at if token.revoked_at is None else "revoked"


def shown_new_token(made: NewTokenDocument) -> Shown:
    """Yield what people see of a token that was just made."""
    yield from shown_tokens([made.token])
    yield facts([("secret, shown once", made.secret)])


def shown_sessions(sessions: Iterable[SessionDocument]) -> Shown:
    """Yield what people see of sessions."""
    rows = ((each.id, each.user, each.created_at, each.seen_at, each.ends_at) for each in sessions)
    yield table(("session", "user", "signed in", "seen", "over"), rows)


def shown_links(links: Iterable[LinkDocument]) -> Shown:
    """Yield what people see of links."""
    rows = (
        (
            each.id,
            each.user or "the owner",
            each.note,
            each.title,
            each.finest_level,
            " ".join(f"{axis}={start}:{stop}" for axis, (start, stop) in each.box.items()) or "all",
            each.ends_at if each.revoked_at is None else "revoked",
        )
        for each in links
    )
    yield table(("link", "rights of", "note", "title", "finest level", "box", "over"), rows)


def shown_new_link(made: NewLinkDocument) -> Shown:
    """Yield what people see of a link that was just made."""
    yield from shown_links([made.link])
    yield facts([("open", made.view_url), ("zarr", made.zarr_url)])


def shown_me(me: MeDocument) -> Shown:
    """Yield what people see of who they are."""
    yield facts(
        (
            ("user", me.name),
            ("administrator", "yes" if me.is_administrator else None),
            ("groups", ", ".join(me.groups)),
            ("limited to", me.place),
            ("until", me.ends_at),
        )
    )


def shown_shares(shares: Iterable[ShareDocument]) -> Shown:
    """Yield what people see of what is shared."""
    rows = (
        (
            each.place or "/",
            each.group,
            each.role or ", ".join(each.permissions),
            each.starts_at,
            each.ends_at,
        )
        for each in shares
    )
    yield table(("place", "group", "role", "since", "until"), rows)


def shown_history(found: AuditList) -> Shown:
    """Yield what people see of changes, and how to see those before them."""
    rows = (
        (each.id, each.at, each.by, each.action, each.subject, each.detail)
        for each in found.changes
    )
    yield table(("number", "when", "by", "change", "of", ""), rows)
    if found.next is not None:
        yield Text(f"earlier changes: voxlake history --before {found.next}")
