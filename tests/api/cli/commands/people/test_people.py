"""Users, groups, tokens and shares from the command line."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from voxlake.platform.catalog import open_catalog
from voxlake.platform.catalog.usage import Counts, Used
from voxlake.platform.database import now
from voxlake.platform.names import DatasetName
from voxlake.platform.secrets.link_keys import LinkKeys
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from pathlib import Path

    from tests.api.cli.conftest import Command


def test_a_laboratory_shares_its_data(filled: Command) -> None:
    for name in ("ada", "bob"):
        assert filled("user", "add", name, "--email", f"{name}@example.org").ok()["name"] == name
    filled("group", "add", "mappers", "ada").ok()
    joined = filled("group", "join", "mappers", "bob", "--as", "maintainer").ok()
    assert joined["members"] == [
        {"user": "ada", "standing": "owner"},
        {"user": "bob", "standing": "maintainer"},
    ]
    shared = filled("share", "lab/cube", "mappers", "annotator", "--until", "2100-01-02").ok()
    [only] = shared["shares"]
    assert (only["place"], only["group"], only["role"]) == ("lab/cube", "mappers", "annotator")
    assert only["ends_at"] == "2100-01-02T00:00:00Z"
    assert filled("share", "lab/cube/em").ok()["shares"] == [only]
    made = filled("token", "make", "bob", "laptop", "--role", "viewer").ok()
    assert made["token"]["permissions"] == ["read", "read_volumetric_data"]
    with open_catalog(StoreURL.parse(filled.lake), Settings()) as catalog:
        bob = catalog.tokens.principal_of(made["secret"])
    assert (bob.name, sorted(bob.permissions)) == ("bob", made["token"]["permissions"])
    other = filled("token", "rotate", made["token"]["id"]).ok()
    assert other["secret"] != made["secret"]
    assert [one["revoked_at"] is None for one in filled("token").ok()["tokens"]] == [False, True]
    assert filled("token", "ls", "ada").ok()["tokens"] == []
    assert filled("unshare", "lab/cube", "mappers").ok()["shares"] == []
    assert filled("group", "leave", "mappers", "bob").ok()["members"][0]["user"] == "ada"
    assert filled("user", "disable", "bob").ok()["disabled_at"] is not None
    assert filled("user", "enable", "bob").ok()["disabled_at"] is None
    assert filled("user", "give", "bob", "user-manager").ok()["roles"] == ["user-manager"]
    assert filled("user", "take", "bob", "user-manager").ok()["roles"] == []
    filled("user", "add", "eve").ok()
    filled("user", "rm", "eve").ok()
    assert {one["name"] for one in filled("user").ok()["users"]} == {"ada", "bob"}
    filled("group", "rm", "mappers").ok()
    names = [one["name"] for one in filled("group").ok()["groups"]]
    assert names == ["ada", "bob", "public"]


def test_a_group_stands_for_one_of_the_issuer(filled: Command) -> None:
    filled("user", "add", "ada").ok()
    filled("group", "add", "mappers", "ada").ok()
    assert filled("group", "map", "mappers", "/lab/mappers").ok()["claim"] == "/lab/mappers"
    assert "ada (owner), all of /lab/mappers at the issuer" in filled.plain("group").out
    assert filled("group", "unmap", "mappers").ok()["claim"] is None
    assert "issuer" not in filled.plain("group").out
    newest, before = filled("history", "--limit", "2").ok()["changes"]
    assert (newest["action"], newest["detail"]) == ("unmap group", "/lab/mappers")
    assert (before["action"], before["subject"]) == ("map group", "mappers")


def test_what_people_see_of_them(filled: Command) -> None:
    filled("user", "add", "ada", "--administrator").ok()
    filled("share", "/", "public", "viewer").ok()
    secret = filled("token", "make", "ada", "laptop").ok()["secret"]
    assert "ada" in filled.plain("user").out
    assert "everybody" in filled.plain("group").out
    assert "viewer" in filled.plain("share", "lab").out
    listed = filled.plain("token").out
    assert secret[:10] in listed
    assert secret not in listed
    assert secret[10:20] not in listed


def test_a_link_is_made_listed_and_revoked(filled: Command) -> None:
    filled("user", "add", "ada").ok()
    refused = filled("link", "lab/cube/em", "--user", "ada")
    assert (refused.kind, refused.code) == ("forbidden", 3)
    filled("share", "lab", "ada", "owner").ok()
    words = ("--until", (now() + timedelta(days=3)).date(), "--note", "for ada's friends")
    made = filled("link", "lab/cube/em", "--user", "ada", *words).ok()
    assert (made["link"]["user"], made["link"]["note"]) == ("ada", "for ada's friends")
    start = made["url"]
    assert start.startswith("http://127.0.0.1:8080/c/")
    assert made["zarr_url"] == f"{start}zarr/lab/cube/em/"
    elsewhere = filled("link", "make", "lab/cube/em", "--gateway", "https://lake.example.org/").ok()
    assert elsewhere["view_url"].startswith("https://lake.example.org/c/")
    keys = LinkKeys.of(Settings())
    with open_catalog(StoreURL.parse(filled.lake), Settings()) as catalog:
        holder = catalog.links.principal_of(keys.read(start.rstrip("/").rpartition("/")[2]))
    assert holder.name == "link 1"
    assert filled("link", "revoke", "lab/cube/em", "1").ok()["links"][0]["revoked_at"] is not None
    listed = filled("link", "ls", "lab/cube/em").ok()["links"]
    assert [(one["user"], one["revoked_at"] is None) for one in listed] == [
        ("ada", False),
        (None, True),
    ]
    assert "revoked" in filled.plain("link", "ls", "lab/cube/em").out
    shown = filled.plain("link", "lab/cube/em").out
    assert "/c/" in shown
    assert "zarr/lab/cube/em/" in shown
    some = filled("link", "lab/cube/em", "--box", "0:8,0:9,1:10", "--level", "0").ok()["link"]
    assert (some["finest_level"], some["box"]) == (0, {"z": [0, 8], "y": [0, 9], "x": [1, 10]})
    assert "z=0:8 y=0:9 x=1:10" in filled.plain("link", "ls", "lab/cube/em").out
    for part, kind in (
        (("--box", "0:8,0:9,1:100"), "out-of-bounds"),
        (("--box", "0:8"), "invalid-input"),
        (("--box", "0:1,0:1,0:8,0:9,1:10"), "invalid-input"),
        (("--level", "9"), "out-of-bounds"),
    ):
        assert filled("link", "lab/cube/em", *part).kind == kind, part
    assert filled("link", "revoke", "lab/cube/em", "9").kind == "not-found"
    assert filled("link", "lab/cube/em", "--until", "2001-01-01").kind == "invalid-input"


def test_a_link_has_a_title_of_one_line(filled: Command) -> None:
    titled = filled("link", "lab/cube/em", "--title", "Figure [bold]3[/bold] <b>").ok()["link"]
    assert titled["title"] == "Figure [bold]3[/bold] <b>"
    assert "Figure [bold]3[/bold] <b>" in filled.plain("link", "ls", "lab/cube/em").out
    for text in ("two\nlines", "\x1b[2J", "x" * 201):
        assert filled("link", "lab/cube/em", "--title", text).kind == "invalid-input"


def test_who_changed_what_is_told(filled: Command) -> None:
    filled("user", "add", "ada").ok()
    filled("share", "lab", "ada", "viewer").ok()
    newest, before = filled("history", "--limit", "2").ok()["changes"]
    assert (newest["action"], newest["subject"], newest["detail"]) == ("share", "lab", "viewer ada")
    assert before["action"] == "add user"
    older = filled("history", "--before", before["id"]).ok()
    assert [each["subject"] for each in older["changes"]] == ["lab/cube/cells", "lab/cube/em"]
    assert older["next"] is None
    assert "viewer ada" in filled.plain("history").out
    assert "--before" not in filled.plain("history").out


def test_history_says_that_there_is_more(filled: Command) -> None:
    part = filled("history", "--limit", "1").ok()
    assert part["next"] == part["changes"][0]["id"]
    said = f"earlier changes: voxlake history --before {part['next']}"
    assert said in filled.plain("history", "--limit", "1").out
    rest = filled("history", "--limit", "1", "--before", part["next"]).ok()
    assert (len(rest["changes"]), rest["next"]) == (1, None)


def test_what_does_not_fit_is_said(filled: Command) -> None:
    filled("user", "add", "ada").ok()
    for words, kind, said in (
        (("user", "add", "ada"), "conflict", "already"),
        (("user", "add", "a b"), "invalid-name", "a b"),
        (("group", "add", "lab", "bob"), "not-found", "no user bob"),
        (("group", "map", "ada", "x"), "conflict", "one user's own"),
        (("group", "map", "public", "x"), "conflict", "of everybody"),
        (("group", "unmap", "lab"), "not-found", "no group lab"),
        (("share", "lab", "ada"), "invalid-input", "no role was given"),
        (("share", "lab", "ada", "king"), "usage", "king"),
        (("share", "a/b/c/d", "ada", "viewer"), "invalid-name", "is no place"),
        (("share", "nowhere", "ada", "viewer"), "not-found", "no nowhere in the lake"),
        (("share", "lab", "ada", "viewer", "--until", "2001-01-01"), "invalid-input", "never"),
        (("unshare", "lab", "ada"), "not-found", "not shared with ada"),
        (("token", "make", "bob", "x"), "not-found", "no user bob"),
        (("token", "ls", "bob"), "not-found", "no user bob"),
        (("token", "revoke", "7"), "not-found", "no token 7"),
    ):
        answer = filled(*words)
        assert (answer.kind, said in answer.document["detail"]) == (kind, True), (words, answer)


def test_sessions_are_listed_and_ended(filled: Command) -> None:
    filled("user", "add", "ada").ok()
    with open_catalog(StoreURL.parse(filled.lake), Settings()) as catalog:
        secret = catalog.sessions.begin("ada")
        catalog.sessions.begin("ada")
    first, second = filled("session").ok()["sessions"]
    assert (first["user"], second["user"]) == ("ada", "ada")
    seen = filled.plain("session", "ls", "ada").out
    assert "ada" in seen
    assert secret[:10] not in seen
    assert filled("session", "end", first["id"]).ok()["sessions"] == [second]
    assert filled("session", "end", first["id"]).kind == "not-found"
    assert filled("session", "ls", "nobody").kind == "not-found"
    filled("user", "disable", "ada").ok()
    assert filled("session").ok()["sessions"] == []


def test_usage_is_listed_and_limited(filled: Command) -> None:
    used = Used("2026-11-28", "ada", 0, "cutout")
    with open_catalog(StoreURL.parse(filled.lake), Settings()) as catalog:
        node = catalog.get_dataset(DatasetName("lab", "cube", "em")).node
        catalog.usage.add({replace(used, node=node): Counts(2, 30, 4)})
    [only] = filled("usage", "--month", "2026-11").ok()["used"]
    assert (only["account"], only["dataset"], only["egress"]) == ("ada", "lab/cube/em", 30)
    assert "lab/cube/em" in filled.plain("usage", "--month", "2026-11").out
    assert filled("usage", "--month", "2026-11", "--user", "bob").ok()["used"] == []
    [limit] = filled("usage", "limit", "user:ada", "egress", "10G").ok()["limits"]
    assert limit == {"subject": "user:ada", "metric": "egress", "limit": 10 << 30}
    assert "user:ada" in filled.plain("usage", "limits").out
    assert filled("usage", "limit", "user:ada", "egress", "none").ok()["limits"] == []
    assert filled("usage", "limit", "user:ada", "egress", "lots").kind == "invalid-input"


def test_what_is_stored_is_measured_and_limited(
    filled: Command, tmp_path: Path, image: Path
) -> None:
    measured = {each["dataset"]: each for each in filled("usage", "measure").ok()["stored"]}
    assert measured.keys() == {"lab/cube/em", "lab/cube/cells"}
    for name, folders in {
        "lab/cube/em": ["em.ome.zarr"],
        "lab/cube/cells": ["em.ome.zarr/labels/cells", "em.index"],
    }.items():
        files = {
            path
            for folder in folders
            for path in (tmp_path / "lake/lab/cube" / folder).rglob("*")
            if path.is_file() and (name.endswith("cells") or "cells" not in path.parts)
        }
        assert measured[name]["bytes"] == sum(path.stat().st_size for path in files)
        assert measured[name]["objects"] == len(files)
    assert filled("usage", "stored").ok()["stored"] == list(measured.values())
    assert "lab/cube/em" in filled.plain("usage", "stored").out
    filled("usage", "limit", "place:lab", "stored", "1K").ok()
    assert filled.ingest(image, "lab/cube/more").kind == "storage-quota"
    filled("usage", "limit", "place:lab", "stored", "none").ok()
    filled.ingest(image, "lab/cube/more").ok()


def test_where_things_would_cost_less_is_told(filled: Command) -> None:
    filled("usage", "measure").ok()
    found = filled("usage", "advise", "--months", "2").ok()
    assert len(found["months"]) == 2
    assert {each["storage_class"] for each in found["advice"]} == {"GLACIER_IR"}
    assert found["saved"] == sum(each["present"] - each["cheapest"] for each in found["advice"])
    assert "GLACIER_IR" in filled.plain("usage", "advise").out
