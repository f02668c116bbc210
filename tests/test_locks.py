"""What a checkout installs is pinned by hash, and nothing else is installed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import sbom

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LOCKS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in ROOT.rglob("*.lock")
    if not path.relative_to(ROOT).parts[0].startswith(".")
)


def pinned(lock: str) -> dict[str, set[str]]:
    """Return the versions that a lock pins, by package."""
    found: dict[str, set[str]] = {}
    for pin in sbom.pins((ROOT / lock).read_text("utf-8")):
        found.setdefault(pin.name, set()).add(pin.version)
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_of_every_lock_is_a_pin_with_hashes(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")
    found = list(sbom.pins(text))
    assert len(found) == len(re.findall("^[^ #]", text, re.M)) > 0
    assert all(pin.hashes for pin in found)


def test_the_locks_are_those_that_the_command_installs() -> None:
    said = (ROOT / "dev").read_text("utf-8")
    assert len(LOCKS) == 5
    assert all(Path(lock).name in said for lock in LOCKS if lock != "requirements.lock")


@pytest.mark.parametrize(
    ("lock", "asked"),
    [
        ("requirements.lock", PROJECT["project"]["dependencies"]),
        ("requirements-dev.lock", PROJECT["project"]["dependencies"]),
        ("requirements-dev.lock", PROJECT["dependency-groups"]["dev"]),
        ("requirements-dev.lock", PROJECT["project"]["optional-dependencies"]["broker"]),
        ("requirements-dev.lock", PROJECT["project"]["optional-dependencies"]["import"]),
        ("requirements-dev.lock", PROJECT["build-system"]["requires"]),
        ("models/recipe/requirements.lock", PROJECT["build-system"]["requires"]),
    ],
)
def test_what_is_asked_for_is_locked(lock: str, asked: list[str]) -> None:
    found = pinned(lock)
    for line in asked:
        name = sbom.required(line)
        assert name in found, f"{lock} lacks {name}"
        if exact := re.fullmatch(r"[^=<>~!]+==([\w.]+)", line):
            assert found[name] == {exact[1]}


def test_the_product_and_its_tests_run_on_the_same_versions() -> None:
    tests = pinned("requirements-dev.lock")
    assert {n: tests.get(n) for n in pinned("requirements.lock")} == pinned("requirements.lock")


PIP = """
import json, os, sys
with open(os.environ["ASKED"], "a") as asked:
    asked.write(json.dumps(sys.argv[1:]) + "\\n")
"""


@pytest.fixture
def asked(tmp_path: Path) -> tuple[Path, Path, dict[str, str]]:
    """Give a checkout, a pip that only notes what it is asked for, and where it notes it."""
    checkout, fake = tmp_path / "checkout", tmp_path / "fake"
    for name in ("dev", "pyproject.toml", *LOCKS):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, checkout / name)
    (fake / "pip").mkdir(parents=True)
    (fake / "pip" / "__init__.py").touch()
    (fake / "pip" / "__main__.py").write_text(PIP)
    notes = tmp_path / "asked"
    environment = {"PATH": "/nonexistent", "PYTHONPATH": str(fake), "ASKED": str(notes)}
    return checkout, notes, {**{"HOME": os.environ.get("HOME", "/")}, **environment}


@pytest.mark.parametrize(
    ("command", "torch"),
    [
        (["install"], False),
        (["peers"], False),
        (["peers", "language"], True),
        (["recipe", "--version"], True),
    ],
)
def test_nothing_is_installed_but_what_a_lock_pins_this_tree_and_torch(
    asked: tuple[Path, Path, dict[str, str]], command: list[str], torch: bool
) -> None:
    checkout, notes, environment = asked
    run = [sys.executable, str(checkout / "dev"), *command]
    subprocess.run(run, env=environment, capture_output=True, check=False)
    kinds = []
    for line in notes.read_text().splitlines():
        wanted = json.loads(line)
        words = wanted[wanted.index("install") + 1 :]
        assert "--no-deps" in words  # what pip adds by itself, no lock has seen
        if "-r" in words:
            assert "--require-hashes" in words
            lock = Path(words[words.index("-r") + 1]).relative_to(checkout)
            assert lock.as_posix() in LOCKS
            kinds.append("lock")
        elif words[-2:] == ["-e", "."]:
            assert "--no-build-isolation" in words  # hatchling comes from the lock, too
            kinds.append("tree")
        else:
            assert re.fullmatch(r"torch==[\d.]+", words[-1]), words[-1]
            kinds.append("torch")
    assert kinds[0] == "lock" and ("torch" in kinds) == torch
    assert len(set(kinds)) == len(kinds)
