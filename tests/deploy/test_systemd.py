"""Units of systemd are right, and give little to what they start."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.docs.pages import ROOT

from voxlake.platform.settings import Settings

FOLDER = ROOT / "deploy" / "systemd"
SERVICES = sorted(FOLDER.glob("*.service"))
MOST_EXPOSED = 20
"""Of 100, as `systemd-analyze security` counts; what is not hardened has 96."""


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units, with programs that are there."""
    programs = str(Path(sys.executable).parent)
    for unit in (*SERVICES, *FOLDER.glob("*.target"), *FOLDER.glob("*.timer")):
        (tmp_path / unit.name).write_text(unit.read_text().replace("/opt/voxlake/bin", programs))
    return tmp_path


def analyze(*words: str | Path) -> str:
    """Return what systemd finds, which is nothing wrong."""
    command = ["systemd-analyze", *words]
    ran = subprocess.run(command, capture_output=True, check=False, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stderr


def test_systemd_understands_the_units(units: Path) -> None:
    assert analyze("verify", "--man=no", *sorted(units.iterdir())) == ""


@pytest.mark.parametrize("unit", SERVICES, ids=lambda path: path.stem)
def test_a_unit_gives_little_to_what_it_starts(units: Path, unit: Path) -> None:
    analyze("security", "--offline=true", f"--threshold={MOST_EXPOSED}", units / unit.name)


@pytest.mark.parametrize("unit", SERVICES, ids=lambda path: path.stem)
def test_commands_and_options_of_a_unit_are_there(unit: Path) -> None:
    found = re.search(r"^ExecStart=/opt/voxlake/bin/(\w+ \w+)(.*)$", unit.read_text(), re.MULTILINE)
    assert found is not None
    command = [Path(sys.executable).with_name(found[1].split()[0]), found[1].split()[1], "--help"]
    told = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    for option in re.findall(r"--[\w-]+", found[2]):
        assert option in told


def test_what_is_compiled_is_kept_by_each_unit_for_itself() -> None:
    """Whoever writes there has it run by who reads it: Dask workers run what they are sent."""
    texts = [unit.read_text() for unit in SERVICES]
    found = [re.findall(r"\bNUMBA_CACHE_DIR=/var/cache/(\S+)", text) for text in texts]
    folders = [folder for [folder] in found]
    assert len(set(folders)) == len(SERVICES)
    for text, folder in zip(texts, folders, strict=True):
        made = re.search(r"^CacheDirectory=(.+)$", text, re.MULTILINE)
        assert made is not None
        assert folder in made[1].split()
        assert not {*folders} - {folder} & {*made[1].split()}
        assert "\nCacheDirectoryMode=0700\n" in text


def test_what_is_set_is_a_setting() -> None:
    texts = [unit.read_text() for unit in SERVICES] + [(FOLDER / "settings.env").read_text()]
    for name in re.findall(r"\bVOXLAKE_(\w+)=", "\n".join(texts)):
        assert name.lower() in Settings.model_fields


def test_the_lines_of_the_page_stop_and_start_all_of_them() -> None:
    """So does an upgrade: a scheduler or a worker of before does not stay."""
    page = (FOLDER / "README.md").read_text()
    found = re.search(r"`systemctl stop voxlake.target (.+?)`", page)
    assert found is not None
    assert "`systemctl start voxlake.target`" in page
    for unit in (*SERVICES, *FOLDER.glob("*.timer")):
        ends_by_itself = unit.name == "voxlake-lake.service"
        of_target = "PartOf=voxlake.target" in unit.read_text()
        assert of_target or ends_by_itself or unit.name in found[1].split()


def test_the_target_starts_all_of_them() -> None:
    target = (FOLDER / "voxlake.target").read_text()
    for unit in SERVICES:
        timer = unit.with_suffix(".timer")
        started = timer.name if timer.exists() else unit.name
        assert started in target or unit.name == "voxlake-lake.service"
