"""Users, their groups, and who they are when they ask."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, Select, delete, func, insert, select, text, update

from voxlake.platform.access import PUBLIC, Permission, Principal
from voxlake.platform.catalog.audit import Writer
from voxlake.platform.catalog.identity.person import Group, Member, Standing, User
from voxlake.platform.catalog.identity.removal import forget_user
from voxlake.platform.catalog.rights.grants import drop_grants, is_in_set
from voxlake.platform.catalog.tables import groups, memberships, sessions, users
from voxlake.platform.database import now
from voxlake.platform.database.order import in_order
from voxlake.platform.errors import (
    ConflictError,
    GroupNotFoundError,
    InvalidInputError,
    NotFoundError,
    UnauthenticatedError,
    UserNotFoundError,
)
from voxlake.platform.names import check_name
from voxlake.platform.nodes.tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from sqlalchemy import ColumnElement, Connection

    from voxlake.platform.database import Database

type Check = Callable[[Group], object]
"""Raises if a group is not to be changed by whoever asks."""


def _anybody(_group: Group) -> None:
    """Let whoever asks change a group."""


@dataclass(frozen=True, slots=True)
class People(Writer):
    """The users and groups of a lake. Its methods may be called from any thread.

    Every method raises NotFoundError for a user or group that there is not.
    """

    def add_user(
        self, name: str, *, full_name: str = "", email: str = "", administrator: bool = False
    ) -> User:
        """Add a user, with a group of their own that has their name.

        Raises
        ------
        InvalidNameError
            If the name cannot be one.
        ConflictError
            If a user or a group has it, in capital or small letters.
        """
        row = {
            "name": check_name(name, "user"),
            "full_name": full_name,
            "email": email,
            "is_administrator": administrator,
        }
        with self.database.write() as connection:
            self._require_free(connection, name)
            made = make_user(connection, row)
            self.note(connection, "add user", name, detail="administrator" if administrator else "")
            return made

    def get_user(self, name: str) -> User:
        """Return the user."""
        with self.database.read() as connection:
            return find_user(connection, name)

    def list_users(self, *, limit: int | None = None, after: str = "") -> list[User]:
        """Return users, sorted by name: all, or some of those after one."""
        by_name = in_order(users.c.name)
        query = _users().where(by_name > after).order_by(by_name).limit(limit)
        with self.database.read() as connection:
            return list(map(_user_of, connection.execute(query)))

    def disable_user(self, name: str, *, disabled: bool = True) -> User:
        """Let a user be nobody here, or again who they were; what they were granted stays.

        Their sessions are over for good.
        """
        with self.database.write() as connection:
            user = find_user(connection, name)
            change = update(users).where(users.c.id == user.id)
            connection.execute(change.values(disabled_at=now() if disabled else None))
            if disabled:
                connection.execute(delete(sessions).where(sessions.c.user == user.id))
            self.note(connection, "disable user" if disabled else "enable user", name)
            return find_user(connection, name)

    def remove_user(self, name: str) -> None:
        """Delete a user, and all by which they are known; their name is free again.

        Raises
        ------
        ConflictError
            If a group would be left without an owner.
        """
        with self.database.write() as connection:
            forget_user(connection, find_user(connection, name))
            self.note(connection, "remove user", name)

    def principal_of(self, name: str) -> Principal:
        """Return a user as one who asks; raise UnauthenticatedError if they are disabled."""
        with self.database.read() as connection:
            return principal_of(connection, find_user(connection, name))

    def add_group(self, name: str, owner: str) -> Group:
        """Make a group with one user in it, its owner.

        Raises
        ------
        InvalidNameError
            If the name cannot be one.
        ConflictError
            If a user or a group has it, in capital or small letters.
        """
        check_name(name, "group")
        with self.database.write() as connection:
            user = find_user(connection, owner)
            self._require_free(connection, name)
            new = insert(groups).values(name=name, created_at=now()).returning(groups.c.id)
            group = connection.execute(new).scalar_one()
            _put_member(connection, group, user, Standing.OWNER)
            self.note(connection, "add group", name, detail=f"owner {owner}")
            return find_group(connection, name)

    def get_group(self, name: str) -> Group:
        """Return the group."""
        with self.database.read() as connection:
            return find_group(connection, name)

    def list_groups(
        self, of: Principal | None = None, *, limit: int | None = None, after: str = ""
    ) -> list[Group]:
        """Return groups, sorted by name: all or those of somebody, or some of those after one."""
        which = [] if of is None else [_is_of(of)]
        by_name = in_order(groups.c.name)
        page = select(groups.c.id).where(by_name > after, *which).order_by(by_name).limit(limit)
        with self.database.read() as connection:
            return list_groups(connection, groups.c.id.in_(page))

    def remove_group(self, name: str, check: Check = _anybody) -> None:
        """Delete a group, and what was granted to it.

        `check` is asked first, and raises if it is not to be, as by the other changes of a group.

        Raises
        ------
        ConflictError
            If it is of everybody, or one user's own.
        """
        with self.database.write() as connection:
            group = _changeable_group(connection, name, check)
            drop_grants(connection, group=group.id)
            connection.execute(delete(memberships).where(memberships.c.group == group.id))
            connection.execute(delete(groups).where(groups.c.id == group.id))
            self.note(connection, "remove group", name)

    def map_group(self, name: str, value: str) -> Group:
        """Let a group stand for what is called `value` at the issuer.

        Who signs in with it has the group for as long as their token or session says so, besides
        who was taken into it here.

        Raises
        ------
        InvalidInputError
            If the value cannot be one.
        ConflictError
            If another group stands for it, or this is of everybody, or one user's own.
        """
        if not value.strip() or not value.isprintable() or len(value) > 1024:
            raise InvalidInputError(
                f"{value[:80]!r} names no group of an issuer; give what its claim holds, "
                "1 to 1024 characters"
            )
        with self.database.write() as connection:
            group = _changeable_group(connection, name)
            other = select(groups.c.name).where(groups.c.claim == value, groups.c.id != group.id)
            if taken := connection.execute(other).scalar():
                raise ConflictError(
                    f"group {taken} stands for {value!r} already; 'voxlake group unmap {taken}' "
                    "lets it go"
                )
            return self._set_claim(connection, group, value)

    def unmap_group(self, name: str) -> Group:
        """Let a group stand for nothing at the issuer: it has whom it was given here, no others."""
        with self.database.write() as connection:
            return self._set_claim(connection, find_group(connection, name), None)

    def _require_free(self, connection: Connection, name: str) -> None:
        hold_names(connection, self.database)
        if taken := who_has(connection, name):
            alike = "" if taken == name else ", and capitals make no other name"
            raise ConflictError(
                f"there is a user or a group {taken} already{alike}; choose another name"
            )

    def _set_claim(self, connection: Connection, group: Group, value: str | None) -> Group:
        connection.execute(update(groups).where(groups.c.id == group.id).values(claim=value))
        action, detail = ("map group", value) if value else ("unmap group", group.claim or "")
        self.note(connection, action, group.name, detail=detail)
        return find_group(connection, group.name)

    def names_of_groups(self, ids: Collection[int]) -> list[str]:
        """Return the names of groups by their ids, sorted."""
        with self.database.read() as connection:
            query = select(groups.c.name).where(groups.c.id.in_(ids))
            return sorted(connection.execute(query).scalars())

    def put_member(
        self,
        group: str,
        user: str,
        standing: Standing = Standing.MEMBER,
        check: Check = _anybody,
    ) -> Group:
        """Take a user into a group, or let them be something else in it.

        Raises
        ------
        ConflictError
            If the group is of everybody or one user's own, or would be left without an owner.
        """
        with self.database.write() as connection:
            there = _changeable_group(connection, group, check)
            _put_member(connection, there.id, find_user(connection, user), standing)
            self.note(connection, "put into group", group, detail=f"{standing} {user}")
            return _with_an_owner(connection, group)

    def drop_member(self, group: str, user: str, check: Check = _anybody) -> Group:
        """Let a user leave a group.

        Raises
        ------
        ConflictError
            If the group is of everybody or one user's own, or would be left without an owner.
        """
        with self.database.write() as connection:
            there = _changeable_group(connection, group, check)
            who = find_user(connection, user)
            mine = memberships.c.group == there.id, memberships.c.user == who.id
            if connection.execute(delete(memberships).where(*mine)).rowcount == 0:
                raise NotFoundError(f"user {user} is not in group {group}")
            self.note(connection, "drop from group", group, detail=user)
            return _with_an_owner(connection, group)


def find_user(connection: Connection, name: str) -> User:
    """Return the user of a name."""
    row = connection.execute(_users().where(users.c.name == name)).one_or_none()
    if row is None:
        raise no_user(name)
    return _user_of(row)


def _users() -> Select[tuple[Any, ...]]:
    own = groups.alias("own")
    manages = is_in_set(ROOT, own.c.id, Permission.ADD).label("is_resource_manager")
    return select(users, manages).join(own, own.c.user == users.c.id)


def no_user(name: str) -> UserNotFoundError:
    """Return the error that there is no such user, or none that the asker may know of."""
    return UserNotFoundError(f"there is no user {name}; list who there is with 'voxlake user'")


def no_group(name: str) -> GroupNotFoundError:
    """Return the error that there is no such group, or none that the asker may know of."""
    return GroupNotFoundError(f"there is no group {name}; list what there is with 'voxlake group'")


def hold_names(connection: Connection, database: Database) -> None:
    """Let nobody else make users or groups until the transaction ends; SQLite has one writer."""
    if not database.is_sqlite:
        connection.execute(text("LOCK TABLE users, groups IN SHARE ROW EXCLUSIVE MODE"))


def who_has(connection: Connection, name: str) -> str | None:
    """Return the user or group that has a name, in capital or small letters; None if it is free.

    People who read `Ann` and `ann` in one list would take them for one another.
    """
    alike = func.lower(in_order(groups.c.name)) == name.lower()
    return connection.execute(select(groups.c.name).where(alike).limit(1)).scalar()


def make_user(connection: Connection, row: Mapping[str, object]) -> User:
    """Make a user of a free name, with a group of their own."""
    made = insert(users).values(**row, created_at=now()).returning(users)
    user = _user_of(connection.execute(made).one())
    own = {"name": user.name, "user": user.id, "created_at": user.created_at}
    connection.execute(insert(groups).values(own))
    return user


def own_group(connection: Connection, user: str) -> int | None:
    """Return the group that is a user's own; None if there is no such user."""
    own = select(groups.c.id).join(users, users.c.id == groups.c.user).where(users.c.name == user)
    found: int | None = connection.execute(own).scalar()
    return found


def principal_of(
    connection: Connection, user: User, claimed: Collection[str] = frozenset()
) -> Principal:
    """Return a user as one who asks; raise UnauthenticatedError if they are disabled.

    `claimed` are the groups that they have at the issuer.
    """
    if user.disabled_at is not None:
        raise UnauthenticatedError(f"user {user.name} is disabled; ask an administrator")
    theirs = select(memberships.c.group).where(memberships.c.user == user.id)
    own = select(groups.c.id).where(groups.c.user == user.id)
    mapped = select(groups.c.id).where(groups.c.claim.in_(claimed))
    found = connection.execute(theirs.union(own, mapped)).scalars()
    theirs_all = frozenset({PUBLIC, *found})
    return Principal(
        user.name,
        user.is_administrator,
        is_user_manager=user.is_user_manager,
        groups=theirs_all,
        user=user.id,
    )


def find_group(connection: Connection, name: str) -> Group:
    """Return the group of a name."""
    for group in list_groups(connection, groups.c.name == name):
        return group
    raise no_group(name)


def list_groups(connection: Connection, *which: ColumnElement[bool]) -> list[Group]:
    """Return the groups that all conditions hold of, with who is in them, sorted by name."""
    query = (
        select(groups, users.c.name.label("member"), memberships.c.role)
        .outerjoin(memberships, memberships.c.group == groups.c.id)
        .outerjoin(users, users.c.id == func.coalesce(memberships.c.user, groups.c.user))
        .where(*which)
    )
    found: dict[str, Group] = {}
    for row in sorted(connection.execute(query), key=lambda row: (row.name, row.member or "")):
        group = found.get(row.name) or Group(row.id, row.name, (), row.user is not None, row.claim)
        if row.member is not None:
            standing = Standing(row.role or Standing.OWNER)
            group = replace(group, members=(*group.members, Member(row.member, standing)))
        found[row.name] = group
    return list(found.values())


def _is_of(principal: Principal) -> ColumnElement[bool]:
    """Say that somebody is in a group, by what they are known by or as of now."""
    joined = select(memberships.c.group).where(memberships.c.user == principal.user)
    return groups.c.id.in_(principal.groups) | groups.c.id.in_(joined)


def _changeable_group(connection: Connection, name: str, check: Check = _anybody) -> Group:
    group = find_group(connection, name)
    check(group)
    if group.id == PUBLIC or group.is_personal:
        whose = "one user's own" if group.is_personal else "of everybody"
        raise ConflictError(f"group {name} is {whose}, and stays as it is; make another")
    return group


def _put_member(connection: Connection, group: int, user: User, standing: Standing) -> None:
    mine = {"group": group, "user": user.id}
    change = update(memberships).filter_by(**mine).values(role=standing.value)
    if connection.execute(change).rowcount == 0:
        connection.execute(insert(memberships).values(**mine, role=standing.value))


def _with_an_owner(connection: Connection, name: str) -> Group:
    group = find_group(connection, name)
    if not any(member.standing is Standing.OWNER for member in group.members):
        raise ConflictError(f"group {name} would be left without an owner; give it another first")
    return group


def _user_of(row: Row[tuple[Any, ...]]) -> User:
    return User(**row._asdict())
