"""`healthslm backup`: what is said, the exit code, and what is on disk."""

import json

import pytest
from click.testing import CliRunner

from healthslm import vault
from healthslm.cli import main
from healthslm.config import default_toml
from healthslm.records import Vital
from healthslm.vault import recovery
from tests.vault.given import CHEAPEST, T0, frame, vital

WORDS = "an old boat on five slow rivers"
NEW = "seven green lamps by the quiet sea"
SHEET = bytes(range(32))


def run(*arguments):
    env = dict.fromkeys(("NO_COLOR", "FORCE_COLOR", "HEALTHSLM_STORE"), None)
    return CliRunner(env=env).invoke(main, [str(a) for a in arguments], prog_name="healthslm")


@pytest.fixture
def secrets(tmp_path):
    """Return files with the passphrase, a new one, a wrong one, and the words of the sheet."""
    made = {}
    texts = {
        "words": WORDS,
        "new": NEW,
        "wrong": "not at all what it is",
        "sheet": " ".join(recovery.words(SHEET)),
    }
    for name, text in texts.items():
        made[name] = tmp_path / name
        made[name].touch(0o600)
        made[name].write_text(text + "\n")
    return made


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "healthslm.toml").write_text(default_toml("ada"))
    vault.create(folder / "store", WORDS, now_s=T0, profile=CHEAPEST, sheet=SHEET)
    with vault.Store.open(folder / "store") as store:
        store.commit([frame()], [vital(T0)], b"state", now_s=T0)
    return folder


@pytest.fixture
def copy(home, tmp_path):
    done = run("backup", "create", tmp_path / "copy.hsb", "--store", home)
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{tmp_path / 'copy.hsb'}\n"
    assert "Not in it: waveforms" in done.stderr
    return tmp_path / "copy.hsb"


def test_a_backup_is_verified_with_passphrase_or_sheet(copy, secrets):
    done = run("backup", "verify", copy, "--passphrase-file", secrets["words"])
    assert done.exit_code == 0 and done.stdout.startswith("whole: ")
    done = run("backup", "verify", copy, "--sheet-file", secrets["sheet"], "--json")
    assert json.loads(done.stdout)["ever_sealed"]["vital"] == 1


@pytest.mark.parametrize(
    ("how", "code", "said"),
    [
        (("--passphrase-file", "wrong"), 77, "wrong passphrase"),
        (("--sheet-file", "words"), 77, "18"),
    ],
)
def test_a_wrong_secret_is_told_as_such(copy, secrets, how, code, said):
    done = run("backup", "verify", copy, how[0], secrets[how[1]])
    assert done.exit_code == code and said in done.stderr


def test_a_damaged_backup_is_refused_and_nothing_is_made(copy, secrets, tmp_path):
    data = bytearray(copy.read_bytes())
    data[len(data) // 2] ^= 1
    data[len(data) // 3] ^= 1
    copy.write_bytes(data[: len(data) * 3 // 4])
    target = tmp_path / "other"
    done = run("backup", "restore", copy, target, "--passphrase-file", secrets["words"])
    assert done.exit_code == 1 and "error" in done.stderr
    assert not (target / "store" / "vault.db").exists()
    assert not (target / "healthslm.toml").exists()


def test_a_backup_replaces_no_file(home, copy):
    before = copy.read_bytes()
    done = run("backup", "create", copy, "--store", home)
    assert done.exit_code == 78 and "already" in done.stderr
    assert copy.read_bytes() == before


def test_a_restored_folder_runs_with_settings_of_its_own(copy, secrets, tmp_path):
    target = tmp_path / "other"
    done = run("backup", "restore", copy, target, "--passphrase-file", secrets["words"])
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{target / 'store'}\n"
    assert "key rotate --sheet" in done.stderr and "Settings are not in a backup" in done.stderr
    assert run("status", "--store", target).exit_code == 0
    with vault.Store.unlock(target / "store", WORDS) as store:
        assert list(store.derived(kinds={Vital})) == [vital(T0)]
        assert list(store.frames()) == []


def test_who_has_the_sheet_alone_restores_with_a_new_passphrase(copy, secrets, tmp_path):
    target = tmp_path / "other"
    how = ("--sheet-file", secrets["sheet"], "--new-passphrase-file", secrets["new"])
    done = run("backup", "restore", copy, target, *how)
    assert done.exit_code == 0, done.output
    assert "sheet stays as it is" in done.stderr
    vault.Store.unlock(target / "store", NEW).close()
    vault.Store.recover(target / "store", SHEET).close()


def test_nothing_is_restored_over_a_store(copy, home, secrets):
    before = (home / "store" / "vault.db").read_bytes()
    done = run("backup", "restore", copy, home, "--passphrase-file", secrets["words"])
    assert done.exit_code == 78 and "already" in done.stderr
    assert (home / "store" / "vault.db").read_bytes() == before
