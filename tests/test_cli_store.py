"""`healthslm store`: what a person with a broken card reads, and what is on disk afterwards."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from healthslm import vault
from healthslm.cli import main
from healthslm.records import Vital
from healthslm.vault import recovery, salvage

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"
WORDS = "an old boat on five slow rivers"
T0 = 1_772_366_400.0
VALUE = 93.4375


def run(*arguments: object, typed: str | None = None, **more: Any) -> Result:
    """Run one command as `main` does; output and errors apart."""
    env = {**dict.fromkeys(("NO_COLOR", "FORCE_COLOR", "HEALTHSLM_STORE"), None), **more}
    words = ["store", *map(str, arguments)]
    return CliRunner(env=env).invoke(main, words, prog_name="healthslm", input=typed)


def document(result: Result, schema: str) -> dict[str, Any]:
    """Return a JSON document whose keys are those the page describes, in full."""
    data: dict[str, Any] = json.loads(result.stdout)
    assert data.pop("schema") == f"healthslm/{schema}/1"
    part = PAGE.read_text("utf-8").partition(f"### `healthslm/{schema}/1`")[2]
    rows = re.findall(r"^\| (`[^|]*) \|", part.partition("\n### ")[0], re.M)
    assert set(data) == {key for row in rows for key in re.findall(r"`([a-z0-9_]+)`", row)}
    return data


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a store of twenty vitals."""
    folder = tmp_path_factory.mktemp("made") / "store"
    cheap = vault.PROFILES["cheapest"]
    vault.create(folder, WORDS, now_s=T0, profile=cheap, sheet=bytes(32))
    with vault.Store.open(folder) as store:
        for i in range(20):
            vital = Vital("spo2", "band/spo2", T0 + i, VALUE)
            store.commit([], [vital], b"state", now_s=T0 + i)
    return folder


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """Return a file with the passphrase."""
    path = tmp_path / "passphrase"
    path.write_text(WORDS)
    path.chmod(0o600)
    return path


@pytest.fixture
def hit(made: Path, tmp_path: Path) -> Path:
    """Return a store with one bit of one row flipped."""
    copy = tmp_path / "store"
    shutil.copytree(made, copy)
    data = bytearray((copy / "vault.db").read_bytes())
    cell = next(c for c in salvage.cells(data) if c.kind == "row" and c.a == 2055)
    data[cell.at + 300] ^= 1
    (copy / "vault.db").write_bytes(data)
    return copy


def test_a_whole_store_is_said_to_be_whole(made: Path, secret: Path) -> None:
    result = run("check", "--store", made)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "only counted           1 of audit entries" in result.stdout
    assert "`--all` reads the rest" in result.stdout
    result = run("check", "--store", made, "--passphrase-file", secret)
    assert result.exit_code == 0
    assert result.stdout.endswith("everything is whole\n")
    data = document(run("check", "--store", made, "--json"), "store-check")
    assert data["rows"]["DERIVED"] == 21


def test_damage_is_named_by_its_row_and_by_nothing_that_was_measured(hit: Path) -> None:
    result = run("check", "--store", hit)
    assert result.exit_code == 1
    assert re.search(r"^altered +row 2055 +derived records +1$", result.stdout, re.M)
    assert "1 thing in this store is damaged; everything else can still be read" in result.stderr
    assert "`healthslm store repair`" in result.stderr
    data = document(run("check", "--store", hit, "--json"), "store-check")
    assert [d["what"] for d in data["damage"]] == ["row 2055"]
    assert str(VALUE) not in result.output + json.dumps(data)


def test_a_repair_says_what_is_lost_and_where_the_rest_is(hit: Path, secret: Path) -> None:
    arguments = ("repair", "--store", hit, "--passphrase-file", secret)
    result = run(*arguments, typed="n\n")
    assert result.exit_code == 130
    assert "nothing was changed" in result.stderr
    assert not list(hit.glob("damaged-*"))
    result = run(*arguments, typed="y\n")
    assert result.exit_code == 0
    assert "lost          rows: 1 of derived records" in result.stdout
    assert f"kept in {hit / 'damaged-1'}" in result.stderr
    assert run("check", "--store", hit, "--passphrase-file", secret).exit_code == 0
    with vault.Store.open(hit) as store:
        assert len(list(store.derived())) == 19


def test_a_repair_by_the_words_of_the_sheet(hit: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet"
    sheet.write_text(" ".join(recovery.words(bytes(32))))
    result = run("repair", "--store", hit, "--sheet-file", sheet, "--yes", "--json")
    assert result.exit_code == 0
    data = document(result, "store-repair")
    assert (data["state"], data["rows_lost"]) == ("newest", {"DERIVED": 1})


def test_a_wrong_passphrase_is_locked_and_not_damaged(hit: Path, secret: Path) -> None:
    secret.write_text("another")
    for name in ("check", "repair"):
        result = run(name, "--store", hit, "--passphrase-file", secret)
        assert result.exit_code == 77
        assert "wrong passphrase" in result.stderr
