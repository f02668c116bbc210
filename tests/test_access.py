"""Who can open what is what the table says, and wrong keys are told apart; each by its task."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from benchmarks.reliability_tasks import access, keys
from benchmarks.reliability_tasks.keys import SCENARIOS, Scenario
from healthslm.errors import IntegrityError, LockedError
from healthslm.vault.keyring import Keyring


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[access.World]:
    made = access.made(tmp_path_factory.mktemp("access"), Random(7))
    with made.daemon:
        yield made


@pytest.mark.parametrize("name", list(access.expected()))
def test_a_holder_opens_what_the_table_says_and_nothing_else(
    world: access.World, name: str
) -> None:
    holder = access.holders(world)[name]
    cells = list(access.compared(world, name, holder))
    assert len(cells) == 5
    assert [cell for cell in cells if not access.right(*cell[1:])] == []


def test_every_holder_of_the_table_is_tried_and_every_part_holds_something(
    world: access.World,
) -> None:
    assert list(access.holders(world)) == list(access.expected())
    assert {part: len(ids) > 0 for part, ids in world.keys.items()} == dict.fromkeys(
        access.PARTS, True
    )
    assert len(world.keys["new"]) == 8 and len(world.keys["old"]) == access.DAYS - 8


def test_a_wrap_that_the_log_still_holds_is_found_by_the_thief(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: a store that deletes wraps and leaves the log as it is does not hold."""
    monkeypatch.setattr(
        Keyring, "destroyed", property(lambda _: False, lambda _, __: None), raising=False
    )
    made = access.made(tmp_path, Random(7))
    with made.daemon:
        name = "thief with card and device key"
        found = {cell[0]: cell for cell in access.compared(made, name, access.holders(made)[name])}
    assert not access.right(*found["old"][1:])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> keys.World:
    return keys.made(tmp_path_factory.mktemp("keys"), Random(3))


@pytest.mark.parametrize("name", list(SCENARIOS))
def test_a_wrong_lost_or_altered_key_is_told_as_what_it_is_and_changes_nothing(
    store: keys.World, name: str
) -> None:
    assert keys.tried(store, SCENARIOS[name]) == ("", False, False)


def test_a_wrong_story_a_new_file_and_a_lost_one_are_seen(store: keys.World) -> None:
    """The control of the test above."""
    known = SCENARIOS["wrong passphrase"]
    for error, says in ((IntegrityError, "passphrase"), (LockedError, "another word")):
        other = Scenario(known.broken, known.opened, error, says)
        assert keys.tried(store, other)[0]

    def adds(_: keys.World, folder: Path) -> None:
        (folder / "device.key.new").touch()
        raise LockedError("x")

    def deletes(_: keys.World, folder: Path) -> None:
        (folder / "vault.mark").unlink()
        raise LockedError("x")

    assert keys.tried(store, Scenario(keys.intact, adds, LockedError, "x")) == ("", True, False)
    assert keys.tried(store, Scenario(keys.intact, deletes, LockedError, "x")) == ("", False, True)
    nothing = Scenario(keys.intact, keys.intact, LockedError, "x")
    assert keys.tried(store, nothing) == ("nothing was told", False, False)
