"""The catalog's tables. A change here needs a migration; a test holds the two together."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from voxlake.platform.database import Moment
from voxlake.platform.nodes.tree import ID, nodes

metadata = MetaData()

lake = Table(
    "lake",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("url", Text, nullable=False),
)
"""One row: the lake that this database is the catalog of."""

datasets = Table(
    "datasets",
    metadata,
    Column("node", ID, ForeignKey(nodes.c.id), primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),
    Column("of", ID, ForeignKey("datasets.node"), index=True),
    Column("url", Text, nullable=False, index=True),
    Column("state", String(16), nullable=False),
    Column("created_at", Moment, nullable=False),
)
"""The datasets that there are; one that was removed has a node alone."""

keyvalues = Table(
    "keyvalues",
    metadata,
    Column("node", ID, ForeignKey(nodes.c.id), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("value", Text, nullable=False),
)
"""What people say of a node, by key."""

sources = Table(
    "sources",
    metadata,
    Column("node", ID, ForeignKey(nodes.c.id), primary_key=True),
    Column("other", ID, ForeignKey(nodes.c.id), primary_key=True, index=True),
    Column("is_source", Boolean, nullable=False),
)
"""Other datasets that a dataset was made from, or has to do with."""

users = Table(
    "users",
    metadata,
    Column("id", ID, primary_key=True),
    Column("name", String(255), nullable=False, unique=True),
    Column("full_name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("is_administrator", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("disabled_at", Moment),
    Column("is_user_manager", Boolean, nullable=False, server_default=false()),
    sqlite_autoincrement=True,
)
"""People and programs that say who they are."""

groups = Table(
    "groups",
    metadata,
    Column("id", ID, primary_key=True),
    Column("name", String(255), nullable=False, unique=True),
    Column("user", ID, ForeignKey("users.id"), unique=True),
    Column("created_at", Moment, nullable=False),
    Column("claim", String(1024)),
    Index("ix_groups_claim", "claim", unique=True),
    sqlite_autoincrement=True,
)
"""What rights attach to: everybody (`access.PUBLIC`), one user each, and those that people make.

Who signs in with `claim` among their groups at the issuer has the group for as long.
"""

identities = Table(
    "identities",
    metadata,
    Column("issuer", String(1024), primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column("user", ID, ForeignKey("users.id"), nullable=False, index=True),
    Column("created_at", Moment, nullable=False),
    Column("claimed", Text, nullable=False, server_default=""),
    Column("claimed_at", Moment),
)
"""Whom an issuer speaks of: a person is known by what it calls them, never by name or mail.

`claimed` are the groups that it said they had, one a line, when it spoke of them last.
"""

memberships = Table(
    "memberships",
    metadata,
    Column("group", ID, ForeignKey("groups.id"), primary_key=True),
    Column("user", ID, ForeignKey("users.id"), primary_key=True, index=True),
    Column("role", String(16), nullable=False),
)
"""Who is in a group that people made, and whether they look after it."""

grants = Table(
    "grants",
    metadata,
    Column("id", ID, primary_key=True),
    Column("node", ID, ForeignKey(nodes.c.id), nullable=False),
    Column("group", ID, ForeignKey("groups.id"), nullable=False, index=True),
    Column("inherits", Boolean, nullable=False),
    Column("role", String(16)),
    Column("permissions", Integer, nullable=False),
    Column("starts_at", Moment),
    Column("ends_at", Moment),
    UniqueConstraint("node", "group", "inherits", name="uq_grants_node_group_inherits"),
    sqlite_autoincrement=True,
)
"""What a group may do with a node: bits of `permissions`, in the order of `access.Permission`."""

frames = Table(
    "frames",
    metadata,
    Column("id", ID, primary_key=True),
    Column("name", String(255), nullable=False, unique=True),
    Column("description", Text, nullable=False),
    *(Column(f"{axis}_start", ID, nullable=False) for axis in "zyx"),
    *(Column(f"{axis}_stop", ID, nullable=False) for axis in "zyx"),
    *(Column(f"{axis}_size", Float(53), nullable=False) for axis in "zyx"),
    Column("unit", String(16), nullable=False),
    Column("group", ID, ForeignKey("groups.id")),
    Column("created_at", Moment, nullable=False),
    sqlite_autoincrement=True,
)
"""Coordinate frames: where experiments lie. `group` may change one, besides administrators."""

experiment_frames = Table(
    "experiment_frames",
    metadata,
    Column("node", ID, ForeignKey(nodes.c.id), primary_key=True, autoincrement=False),
    Column("frame", ID, ForeignKey("frames.id"), nullable=False, index=True),
)
"""The frame of an experiment that has one."""

plans = Table(
    "plans",
    metadata,
    Column("node", ID, ForeignKey(nodes.c.id), primary_key=True, autoincrement=False),
    Column("levels", Integer, nullable=False),
    Column("method", String(16), nullable=False),
    Column("times", Integer, nullable=False),
    Column("time_step", Integer),
    Column("time_unit", String(16), nullable=False),
)
"""What new datasets of an experiment are made by, where bossDB's clients have said so."""

first_shown = Table(
    "first_shown",
    metadata,
    Column("node", ID, ForeignKey(nodes.c.id), primary_key=True, autoincrement=False),
    Column("level", Integer, nullable=False),
    Column("time", Integer, nullable=False),
)
"""The level and time point of a dataset that bossDB's clients are told to begin at, but for 0."""

tokens = Table(
    "tokens",
    metadata,
    Column("id", ID, primary_key=True),
    Column("user", ID, ForeignKey("users.id"), nullable=False, index=True),
    Column("name", String(255), nullable=False),
    Column("start", String(16), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("permissions", Integer, nullable=False),
    Column("node", ID, ForeignKey(nodes.c.id)),
    Column("created_at", Moment, nullable=False),
    Column("ends_at", Moment),
    Column("used_at", Moment),
    Column("revoked_at", Moment),
    sqlite_autoincrement=True,
)
"""What programs carry in the place of a user: hashed, with the start that people know it by."""

sessions = Table(
    "sessions",
    metadata,
    Column("id", ID, primary_key=True),
    Column("user", ID, ForeignKey("users.id"), nullable=False, index=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("claimed", Text, nullable=False),
    Column("is_administrator", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    sqlite_autoincrement=True,
)
"""Browsers in which users are signed in, with what the issuer said: their groups, one a line."""

links = Table(
    "links",
    metadata,
    Column("id", ID, primary_key=True),
    Column("serial", String(32), nullable=False, unique=True),
    Column("user", ID, ForeignKey("users.id")),
    Column("node", ID, ForeignKey(nodes.c.id), nullable=False, index=True),
    Column("note", Text, nullable=False),
    Column("title", Text, nullable=False, server_default=""),
    Column("finest_level", Integer, nullable=False),
    Column("box", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("revoked_at", Moment),
    sqlite_autoincrement=True,
)
"""What lets whoever holds it read one dataset with the rights of a user, or of the lake's owner.
The key that signs its token is not here: nothing that can be read here opens anything."""

viewer_states = Table(
    "viewer_states",
    metadata,
    Column("id", ID, primary_key=True),
    Column("serial", String(32), nullable=False, unique=True),
    Column("user", ID, ForeignKey("users.id"), index=True),
    Column("state", Text, nullable=False),
    Column("title", Text, nullable=False, server_default=""),
    Column("for_users", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False, index=True),
    sqlite_autoincrement=True,
)
"""States of the viewer, JSON, that a user or the lake's owner shares with who has the serial."""

uploads = Table(
    "uploads",
    metadata,
    Column("id", ID, primary_key=True),
    Column("serial", String(32), nullable=False, unique=True),
    Column("node", ID, ForeignKey(nodes.c.id), nullable=False, index=True),
    Column("user", ID, ForeignKey("users.id"), index=True),
    Column("by", String(255), nullable=False),
    Column("config", Text, nullable=False),
    *(Column(f"{axis}_start", ID, nullable=False) for axis in "zyx"),
    Column("state", String(16), nullable=False),
    Column("message", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    sqlite_autoincrement=True,
)
"""What clients of boss-ingest upload to a dataset: asked for by a user or the lake's owner."""

_COUNTED = "requests", "egress", "ingress", "compute"

usage = Table(
    "usage",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("account", String(255), primary_key=True),
    Column("node", ID, primary_key=True, autoincrement=False),
    Column("api", String(64), primary_key=True),
    *(Column(name, BigInteger, nullable=False) for name in _COUNTED),
)
"""What an account had of a dataset on a day by one kind of request: bytes, and requests."""

usage_months = Table(
    "usage_months",
    metadata,
    Column("month", String(7), primary_key=True),
    Column("subject", String(300), primary_key=True),
    *(Column(name, BigInteger, nullable=False) for name in _COUNTED),
)
"""The same of a month, of all that may have a limit: ``system``, ``api:cutout``, ``user:ada``, and
``node:7``, a collection, experiment or dataset."""

usage_limits = Table(
    "usage_limits",
    metadata,
    Column("subject", String(300), primary_key=True),
    Column("metric", String(16), primary_key=True),
    Column("amount", BigInteger, nullable=False),
)
"""How much a subject may have in a month; ``user:*`` and ``api:*`` are all that have no other."""

stored = Table(
    "stored",
    metadata,
    Column("node", ID, ForeignKey(nodes.c.id), primary_key=True, autoincrement=False),
    Column("objects", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("measured_at", Moment, nullable=False),
)
"""How much is stored of a dataset, as it was measured last."""

audit = Table(
    "audit",
    metadata,
    Column("id", ID, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("by", String(255), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", Text, nullable=False),
    Column("node", ID, ForeignKey(nodes.c.id), index=True),
    Column("detail", Text, nullable=False),
    sqlite_autoincrement=True,
)
"""Who changed what; triggers refuse to change a row, and to delete one that is not older than
`audit_horizon` says."""

audit_horizon = Table(
    "audit_horizon",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("until", Moment, nullable=False),
)
"""At most one row: entries of the audit until that moment may go."""
