"""What a large catalog costs: lists, searches and decisions, on SQLite and on PostgreSQL.

100,000 datasets in 1,000 collections of 10 experiments, 10,000 users, 1,000 groups; each group is
shared 20 collections and 50 datasets, each user two datasets, everybody every tenth collection.
"""

from __future__ import annotations

import random
import statistics
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import batched
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, text

from benchmarks.tables import markdown_table
from voxlake.platform.access import ANONYMOUS, PUBLIC, Permission, Principal, Role
from voxlake.platform.catalog import Catalog, open_catalog
from voxlake.platform.catalog.data.node_records import Page
from voxlake.platform.catalog.rights.grants import bits_of
from voxlake.platform.catalog.tables import datasets, grants, groups, memberships, users
from voxlake.platform.database import now
from voxlake.platform.names import DatasetName
from voxlake.platform.nodes.tree import ROOT, nodes
from voxlake.platform.nodes.words import DESCRIPTION, NAME, words, words_of
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from benchmarks.rounds import Say

PAGE = 100
SPECIES = ("mouse", "fly", "zebrafish", "human", "ferret")
VIEWER = {"inherits": True, "role": "viewer", "permissions": bits_of(Role.VIEWER.permissions)}


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is."""

    collections: int = 1000
    users: int = 10_000
    groups: int = 1000

    @property
    def datasets(self) -> int:
        """Ten in each of ten experiments of each collection."""
        return self.collections * 100


@dataclass(frozen=True, slots=True)
class Asked:
    """What it took to ask, in milliseconds."""

    database: str
    who: str
    what: str
    median: float
    worst: float
    found: int


def run_catalog(folder: Path, repeats: int, say: Say, size: Size = Size()) -> list[dict[str, Any]]:
    """Measure on both databases, print the table and return all figures."""
    from tests.servers.postgres import create_database, run_postgres

    rows: list[Asked] = []
    with ExitStack() as stack:
        server = stack.enter_context(run_postgres())
        for name, settings in (
            ("SQLite", Settings()),
            ("PostgreSQL", Settings.model_validate({"database_url": create_database(server)})),
        ):
            lake = StoreURL.parse(str(folder / name))
            lake.path.mkdir(parents=True)
            catalog = stack.enter_context(open_catalog(lake, settings))
            say(f"catalog: {size.datasets:,} datasets are put into {name}")
            fill(catalog, size)
            say("it is asked")
            for asked in ask(catalog, name, size, repeats):
                say(f"{asked.who}, {asked.what}: {asked.median:.1f} ms")
                rows.append(asked)
    print(_table(rows), flush=True)
    return [asdict(row) for row in rows]


def fill(catalog: Catalog, size: Size) -> None:
    """Put everything into an empty catalog."""
    draw = random.Random(1)
    nodes_of_datasets = _fill_tree(catalog, size)
    _insert(catalog, users, (_user(number) for number in range(size.users)))
    made = ({"id": n + 2, "name": f"user-{n}", "user": n + 1} for n in range(size.users))
    _insert(catalog, groups, ({**each, "created_at": now()} for each in made))
    first = size.users + 2
    shared = range(first, first + size.groups)
    rows = ({"id": n, "name": f"group-{n}", "user": None, "created_at": now()} for n in shared)
    _insert(catalog, groups, rows)
    _insert(
        catalog,
        memberships,
        (
            {"group": group, "user": user + 1, "role": "member"}
            for user in range(size.users)
            for group in draw.sample(shared, min(3, size.groups))
        ),
    )
    _insert(catalog, grants, _grants(draw, size, shared, nodes_of_datasets))


def ask(catalog: Catalog, database: str, size: Size, repeats: int) -> Iterator[Asked]:
    """Ask as nobody, as users, and as an administrator."""
    draw = random.Random(2)
    user = catalog.people.principal_of(f"user-{size.users // 2}")
    askers = {
        "anonymous": ANONYMOUS,
        "user": user,
        "user of nothing else": Principal("x", groups=user.groups - {PUBLIC}),
        "administrator": Principal("admin", is_owner=True),
    }
    names = [f"c{draw.randrange(size.collections):04}" for _ in range(repeats * 3)]
    for who, principal in askers.items():
        for what, function in _questions(catalog, principal).items():
            found, taken = 0, []
            for name in names:
                begin = time.perf_counter()
                found = function(name)
                taken.append((time.perf_counter() - begin) * 1e3)
            yield Asked(database, who, what, statistics.median(taken), max(taken), found)


def _questions(catalog: Catalog, principal: Principal) -> dict[str, Callable[[str], int]]:
    read = Permission.READ
    first, search = Page(PAGE), catalog.search

    def decided(name: str) -> int:
        found = catalog.get_protected(DatasetName(name, "e5", "d5"))
        found.decide(principal, read)
        return 1

    return {
        "one dataset, decided": decided,
        "datasets, first page": lambda _: len(catalog.list_allowed(principal, read, page=first)),
        "datasets, some page": lambda name: len(
            catalog.list_allowed(principal, read, page=Page(PAGE, (name, "e5", "d5")))
        ),
        "datasets of an experiment": lambda name: len(
            catalog.list_allowed(principal, read, name, "e5")
        ),
        "collections, some page": lambda name: len(
            catalog.collections.list_allowed(principal, read, page=Page(PAGE, (name,)))
        ),
        "search, common word": lambda _: len(search.find(principal, "mouse", first)),
        "search, rare word": lambda name: len(search.find(principal, f"uniq{name}", first)),
        "search, two words": lambda name: len(search.find(principal, f"mouse {name}", first)),
        "count, common word": lambda _: search.count(principal, "mouse"),
        "count, rare word": lambda name: search.count(principal, f"uniq{name}"),
    }


def _fill_tree(catalog: Catalog, size: Size) -> list[int]:
    """Make all nodes; return those of datasets."""
    tree: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    of_datasets: list[int] = []

    def add(parent: int, kind: str, name: str, description: str) -> int:
        node = len(tree) + 2
        tree.append({"id": node, "parent": parent, "kind": kind, "name": name})
        said = {NAME: name, DESCRIPTION: description}
        found.extend(
            {"node": node, "text": what, "word": word}
            for what, each in said.items()
            for word in words_of(each)
        )
        tree[-1] |= {"description": description, "created_at": now()}
        return node

    for c in range(size.collections):
        above = add(ROOT, "collection", f"c{c:04}", f"Brains of {SPECIES[c % len(SPECIES)]}")
        for e in range(10):
            experiment = add(above, "experiment", f"e{e}", f"specimen {e} of uniqc{c:04}")
            for d in range(10):
                said = f"electron microscopy of a {SPECIES[(c + d) % len(SPECIES)]} c{c:04}"
                of_datasets.append(add(experiment, "dataset", f"d{d}", said))
    _insert(catalog, nodes, tree)
    _insert(catalog, words, found)
    row = {"kind": "image", "of": None, "state": "ready", "created_at": now()}
    _insert(catalog, datasets, ({"node": n, "url": f"at/{n}", **row} for n in of_datasets))
    return of_datasets


def _grants(
    draw: random.Random, size: Size, shared: range, of_datasets: list[int]
) -> Iterator[dict[str, Any]]:
    # A collection comes with its 10 experiments and their 100 datasets.
    of_collections = [2 + number * 111 for number in range(size.collections)]
    for group in shared:
        for node in draw.sample(of_collections, min(20, size.collections)):
            yield {"group": group, "node": node, **VIEWER}
        for node in draw.sample(of_datasets, 50):
            yield {"group": group, "node": node, **VIEWER}
    for user in range(size.users):
        for node in draw.sample(of_datasets, 2):
            yield {"group": user + 2, "node": node, **VIEWER}
    for node in of_collections[::10]:
        yield {"group": PUBLIC, "node": node, **VIEWER}


def _user(number: int) -> dict[str, Any]:
    return {
        "id": number + 1,
        "name": f"user-{number}",
        "full_name": "",
        "email": "",
        "is_administrator": False,
        "created_at": now(),
    }


def _insert(catalog: Catalog, table: Any, rows: Iterable[dict[str, Any]]) -> None:
    for number, some in enumerate(batched(rows, 10_000)):
        with catalog.database.write() as connection:
            connection.execute(insert(table), list(some))
            if number == 0:
                # PostgreSQL goes on looking up references as it did when a table was empty.
                connection.execute(text("ANALYZE"))
    with catalog.database.write() as connection:
        connection.execute(text("ANALYZE"))


def _table(rows: list[Asked]) -> str:
    head: tuple[str, ...] = ("database", "who", "what", "ms", "worst ms", "found")
    lines = [
        (
            each.database,
            each.who,
            each.what,
            f"{each.median:.1f}",
            f"{each.worst:.1f}",
            str(each.found),
        )
        for each in rows
    ]
    return markdown_table("catalog: medians", [head, *lines])
