"""Keys, consent, erasure and the audit trail at the command line, as their owner meets them."""

import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from healthslm import ingest, ledger, service, vault
from healthslm.cli import main
from healthslm.config import default_toml
from healthslm.days import bounds, day_of
from healthslm.errors import PassphraseError
from healthslm.records import Frame, Vital
from healthslm.vault import Store, identity, recovery
from healthslm.vault.readers import Reader
from tests.test_cli import at_a_terminal, document

ZONE = "Europe/Madrid"
WORDS = "an old boat on five slow rivers"
NEW = "a new kite over six quick hills"
SHEET = bytes(range(32))
DAY = 86_400.0
NOW = time.time()
TODAY = day_of(NOW, ZONE)
NAME = "Dr Ruiz"


def run(*arguments: object, home: Path | None = None, **more: Any) -> Result:
    """Run one command; with a home, as its owner with the passphrase in a file."""
    env: dict[str, str | None] = dict.fromkeys(("NO_COLOR", "FORCE_COLOR", "HEALTHSLM_STORE"))
    if home is not None:
        env["HEALTHSLM_STORE"] = str(home)
        env["HEALTHSLM_PASSPHRASE_FILE"] = str(home / "words")
    return CliRunner(env=env).invoke(
        main, [str(a) for a in arguments], prog_name="healthslm", **more
    )


def secret(path: Path, text: str) -> Path:
    """Write a file with a secret that only this user may read."""
    path.touch(0o600)
    path.write_text(text + "\n")
    return path


def right(result: Result) -> str:
    """Return what a command that went well printed."""
    assert result.exit_code == 0, result.output
    lines = [line for line in result.stdout.splitlines() if "/pytest-" not in line]
    assert max(map(len, lines), default=0) <= 80
    return result.stdout


def frame(seq: int, stream: str, t_s: float) -> Frame:
    return Frame("chest", stream, 1, seq, seq * 50, t_s, 50.0, "mV", 0.001, 0.0, bytes(100), 0)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a home as `init` does, with three days of two streams in its store."""
    home = tmp_path_factory.mktemp("home")
    (home / "healthslm.toml").write_text(default_toml(timezone=ZONE))
    begin_s = NOW - 2 * DAY
    state = ledger.write(ledger.State(ingest.Intake().snapshot(), b"", {}, NOW, 0.0))
    cheapest = vault.PROFILES["cheapest"]
    vault.create(home / "store", WORDS, now_s=begin_s, profile=cheapest, sheet=SHEET)
    with Store.open(home / "store") as store:
        for n in range(3):
            t_s = begin_s + n * DAY
            frames = [frame(n, "ecg", t_s), frame(n, "ppg", t_s)]
            store.commit(frames, [Vital("spo2", "chest/ppg", t_s, 97.0)], state, now_s=t_s)
    secret(home / "words", WORDS)
    secret(home / "new", NEW)
    secret(home / "sheet", " ".join(recovery.words(SHEET)))
    clinician = Reader(bytes(range(96)))
    (home / "dr.pub").write_text(identity.public_line(clinician.public))
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Iterator[Path]:
    """Copy the home, so that each test has its own."""
    yield Path(shutil.copytree(made, tmp_path / "home"))


def counts(home: Path) -> tuple[int, int]:
    """Return how many frames and records the owner reads."""
    with Store.unlock(home / "store", WORDS) as store:
        store.verify()
        return len(list(store.frames())), len(list(store.derived()))


def known(home: Path) -> dict[str, Any]:
    """Return who is known, by name, as `key status --json` says."""
    data = document(run("key", "status", "--json", home=home), "keys")
    return {row["name"]: row for row in data["readers"]}


# ---- key status -------------------------------------------------------------------------


def test_the_status_of_keys_names_everyone_who_can_open_something(home: Path) -> None:
    text = right(run("key", "status", home=home))
    assert "board's key  right" in text and "a 0600 key file" in text
    assert re.search(r"data keys    \d+: 3 of waveforms, 3 of records", text)
    assert "owner     everything, with the passphrase" in text
    assert "recovery  everything, with the words on paper" in text
    assert "unfinished   nothing" in text
    assert len(re.findall(r"(\d{5} ){7}\d{5}", text)) == 3


def missing(home: Path) -> None:
    (home / "store" / "device.key").unlink()


def readable(home: Path) -> None:
    (home / "store" / "device.key").chmod(0o644)


def foreign(home: Path) -> None:
    folder = home / "other"
    vault.create(folder, WORDS, now_s=NOW, profile=vault.PROFILES["cheapest"])
    shutil.copy(folder / "device.key", home / "store" / "device.key")


@pytest.mark.parametrize(
    ("broken", "state", "says"),
    [
        (missing, "missing", "Put it back; where it is lost, `healthslm key rotate --device`"),
        (readable, "open to others", "`chmod 600` it"),
        (foreign, "of another store", "Put the right one back"),
    ],
)
def test_a_device_key_that_is_not_right_is_told_apart_with_what_to_do(
    home: Path, broken: Any, state: str, says: str
) -> None:
    broken(home)
    result = run("key", "status", "--json", home=home)
    assert result.exit_code == 77 and says in result.stderr
    data = document(result, "keys")
    assert (data["device_key"], data["readers"], data["sheet"]) == (state, None, True)
    assert f"board's key  {state}" in run("key", "status", home=home).stdout


def test_a_device_key_that_is_none_is_damage(home: Path) -> None:
    (home / "store" / "device.key").write_bytes(bytes(52))
    result = run("key", "status", home=home)
    assert result.exit_code == 1 and "not a device key" in result.stderr


def test_a_store_that_is_not_there_is_a_wrong_configuration(tmp_path: Path) -> None:
    assert run("key", "status", "--store", tmp_path).exit_code == 78


@pytest.mark.parametrize("command", ["consent revoke X", "audit show", "key rotate --data"])
def test_a_wrong_passphrase_is_told_with_the_way_out(home: Path, command: str) -> None:
    secret(home / "words", "not these words at all")
    before = {p: p.read_bytes() for p in (home / "store").iterdir() if "db-" not in p.name}
    result = run(*command.split(), home=home)
    assert (result.exit_code, result.stdout) == (77, "")
    assert "error: wrong passphrase." in result.stderr
    assert "healthslm key recover" in result.stderr
    assert {p: p.read_bytes() for p in before} == before


# ---- readers and consent ----------------------------------------------------------------


def test_a_reader_is_made_known_granted_something_revoked_and_forgotten(home: Path) -> None:
    shown = identity.fingerprint(Reader(bytes(range(96))).public)
    told = run("key", "add-reader", NAME, home / "dr.pub", home=home)
    assert f"fingerprint  {shown}" in right(told) and "compare the fingerprint" in told.stderr
    assert known(home)[NAME]["reads"] == []
    assert "nothing: no consent stands" in right(run("consent", "show", home=home))

    first = day_of(NOW - DAY, ZONE)
    dates = ("--since", first, "--until", day_of(NOW + 9 * DAY, ZONE))
    classes = ("--class", "derived", "--class", "raw")
    granted = run("consent", "grant", NAME, *classes, *dates, home=home)
    text = right(granted)
    assert f"waveforms: recorded from {first} 00:00 on" in text
    assert "consent revoke" in granted.stderr
    data = document(run("consent", "show", "--json", home=home), "consent")
    (row,) = data["readers"]
    assert row["reads"] == ["raw", "derived"] and row["fingerprint"] == shown
    assert row["since"].startswith(f"{first}T00:00:00")
    assert "waveforms" in right(run("key", "status", home=home))

    revoked = run("consent", "revoke", NAME, home=home)
    assert "neither old nor new" in right(revoked) and "cannot be taken back" in revoked.stderr
    assert known(home)[NAME]["reads"] == []
    right(run("key", "revoke", NAME, home=home))
    assert NAME not in known(home)
    assert "No clinician is known" in right(run("consent", "show", home=home))


def test_a_day_is_one_of_the_persons_own_zone(home: Path) -> None:
    """A consent begins no earlier than local midnight, and ends with the local day."""
    right(run("key", "add-reader", NAME, home / "dr.pub", home=home))
    until = day_of(NOW + 9 * DAY, ZONE)
    dates = ("--since", TODAY, "--until", until)
    right(run("consent", "grant", NAME, "--class", "derived", *dates, home=home))
    with Store.open(home / "store") as store:
        (reader,) = [r for r in store.rows.head().readers if r.role == "clinician"]
    assert reader.since_s == bounds(TODAY, ZONE)[0]
    assert reader.until_s == bounds(until, ZONE)[1]


@pytest.mark.parametrize(
    ("command", "code", "says"),
    [
        ("consent grant Nobody --class raw", 78, "nobody has this name"),
        ("consent grant Nobody", 2, "'--class'"),
        ("consent grant Nobody --class state", 2, "'state' is not one of"),
        ("consent grant Nobody --class raw --since yesterday", 2, "does not match the format"),
        ("consent grant Nobody --class raw --until 2020-01-01", 78, "over already"),
        ("key revoke Nobody", 78, "nobody has this name"),
        ("key revoke owner", 78, "nobody has this name"),
        ("key add-reader owner {dr}", 78, "not owner, recovery or device"),
        ("key add-reader A {dr} --fingerprint 12345", 2, "exchanged on its way"),
        ("key add-reader A /nowhere.pub", 78, "no such file"),
        ("key add-reader A {toml}", 1, "not a reader's public key"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(
    home: Path, command: str, code: int, says: str
) -> None:
    paths = {"dr": home / "dr.pub", "toml": home / "healthslm.toml"}
    result = run(*command.format(**paths).split(), home=home)
    assert result.exit_code == code and says in result.stderr
    assert known(home).keys() == {"owner", "recovery"}


# ---- changing keys ----------------------------------------------------------------------


def test_a_new_passphrase_opens_and_the_old_does_not(home: Path) -> None:
    right(run("key", "change-passphrase", "--new-passphrase-file", home / "new", home=home))
    assert run("audit", "show", home=home).exit_code == 77
    right(run("audit", "show", "--passphrase-file", home / "new", home=home))


def test_rotate_explains_the_choice_and_changes_nothing(home: Path) -> None:
    before = (home / "store" / "vault.db").read_bytes()
    result = run("key", "rotate", home=home)
    assert result.exit_code == 2
    assert all(f"--{key}" in result.stdout for key in ("sheet", "owner", "device", "data"))
    assert "Nothing was changed" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert (home / "store" / "vault.db").read_bytes() == before


def printed(text: str) -> bytes:
    """Return the secret of a sheet as it is shown: three rows of six numbered words."""
    rows = re.findall(r"^ +((?:\d+ [a-z]{5}(?:  +|$)){6})", text, re.MULTILINE)
    assert len(rows) == 3
    numbered = re.findall(r"(\d+) ([a-z]{5})", " ".join(rows))
    assert [int(n) for n, _ in numbered] == list(range(1, 19))
    return recovery.read(" ".join(word for _, word in numbered))


def test_a_new_sheet_opens_and_the_old_does_not(home: Path, tmp_path: Path) -> None:
    text = right(run("key", "rotate", "--sheet", home=home))
    new = secret(tmp_path / "paper", " ".join(recovery.words(printed(text))))
    old = run("key", "recover", "--rehearse", "--sheet-file", home / "sheet", home=home)
    assert old.exit_code == 77 and "a newer one" in old.stderr
    right(run("key", "recover", "--rehearse", "--sheet-file", new, home=home))


def test_a_new_owner_key_shuts_the_old_passphrase_out(home: Path) -> None:
    before = known(home)["owner"]["fingerprint"]
    right(run("key", "rotate", "--owner", "--new-passphrase-file", home / "new", home=home))
    assert known(home)["owner"]["fingerprint"] != before
    assert run("audit", "show", home=home).exit_code == 77


def test_new_data_keys_lose_nothing(home: Path) -> None:
    assert "data keys changed" in right(run("key", "rotate", "--data", home=home))
    assert counts(home) == (6, 3)


def test_a_lost_device_key_is_made_anew_with_a_new_sheet(home: Path) -> None:
    missing(home)
    text = right(run("key", "rotate", "--device", home=home))
    assert "sheet you had has ended" in text
    with Store.recover(home / "store", printed(text)) as store:
        assert len(list(store.frames())) == 6
    assert (home / "store" / "device.key").stat().st_mode & 0o777 == 0o600
    right(run("key", "status", home=home))
    assert counts(home) == (6, 3)


def test_the_boards_key_is_not_changed_under_a_daemon(home: Path) -> None:
    before = (home / "store" / "device.key").read_bytes()
    with service.alone(home / "store"):
        result = run("key", "rotate", "--device", home=home)
    assert result.exit_code == 78 and "Stop it" in result.stderr
    assert (home / "store" / "device.key").read_bytes() == before


# ---- recovery ---------------------------------------------------------------------------


def test_a_rehearsal_says_that_the_sheet_is_right_and_writes_nothing(home: Path) -> None:
    before = (home / "store" / "vault.db").read_bytes()
    result = run("key", "recover", "--rehearse", "--sheet-file", home / "sheet", home=home)
    assert re.match(r"The sheet is right: it opens all \d+ data keys\.", right(result))
    assert (home / "store" / "vault.db").read_bytes() == before
    assert not (home / "store" / "vault.db-wal").exists()


def test_who_forgot_the_passphrase_comes_in_by_the_sheet(home: Path) -> None:
    sheet = ("--sheet-file", home / "sheet")
    right(run("key", "recover", *sheet, "--new-passphrase-file", home / "new", home=home))
    assert run("audit", "show", home=home).exit_code == 77
    right(run("audit", "show", "--passphrase-file", home / "new", home=home))
    right(run("key", "recover", "--rehearse", *sheet, home=home))


def test_who_lost_both_the_passphrase_and_the_boards_key_comes_in_by_the_sheet(home: Path) -> None:
    missing(home)
    (home / "words").unlink()
    options = ("--sheet-file", home / "sheet", "--new-passphrase-file", home / "new")
    refused = run("key", "recover", *options, home=home)
    assert refused.exit_code == 77 and "key recover --device-lost" in refused.stderr
    assert not (home / "store" / "device.key").exists()
    text = right(run("key", "recover", "--device-lost", *options, home=home))
    assert "The board has a new key" in text and "sheet you had has ended" in text
    shutil.copy(home / "new", home / "words")
    assert list(known(home)) == ["owner", "recovery"]
    for store in (
        Store.unlock(home / "store", NEW),
        Store.recover(home / "store", printed(text)),
    ):
        with store:
            store.verify()
            assert len(list(store.frames())) == 6
    with pytest.raises(PassphraseError):
        Store.unlock(home / "store", WORDS)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda w: w[1:], "18 words, and 17 were given"),
        (lambda w: [*w[:4], "xyzzy", *w[5:]], "word 5 is none"),
        (lambda w: [w[1], w[0], *w[2:]], "do not belong together"),
        (lambda _: recovery.words(bytes(32)), "does not open this store"),
    ],
)
def test_wrong_words_are_told_apart_and_never_repeated(home: Path, change: Any, says: str) -> None:
    words = change(recovery.words(SHEET))
    file = secret(home / "wrong", " ".join(words))
    result = run("key", "recover", "--sheet-file", file, home=home)
    assert result.exit_code == 77 and says in result.stderr and "paper" in result.stderr
    assert not any(word in result.output.split() for word in words)


def test_a_lost_wrap_of_the_sheet_is_damage_and_no_wrong_sheet(home: Path) -> None:
    reader = recovery.reader(SHEET).id
    with Store.open(home / "store") as store:
        store.rows.db.execute("DELETE FROM wrap WHERE reader = ?", (reader,))
    result = run("key", "recover", "--rehearse", "--sheet-file", home / "sheet", home=home)
    assert result.exit_code == 1 and "lost" in result.stderr


def test_words_are_asked_for_row_by_row_without_echo(home: Path) -> None:
    words = recovery.words(SHEET)
    rows = [" ".join(words[n : n + 6]) for n in (0, 6, 12)]
    slips = [rows[0] + " extra", rows[0], rows[1].replace(words[7], "xyzzy"), rows[1], rows[2]]
    code, screen = at_a_terminal("key", "recover", "--rehearse", "--store", home, answers=slips)
    assert code == 0 and "The sheet is right" in screen
    assert "six words in this row; 7 came" in screen and "Word 8 stands on no sheet" in screen
    assert not any(word in screen for word in words)


def test_neither_a_word_nor_a_passphrase_is_an_argument_or_a_variable(home: Path) -> None:
    env = {"HEALTHSLM_SHEET": "x", "HEALTHSLM_SHEET_FILE": str(home / "sheet")}
    bare = CliRunner(env={**env, "HEALTHSLM_STORE": str(home)})
    result = bare.invoke(main, ["key", "recover", "--rehearse"], prog_name="healthslm")
    assert result.exit_code == 77 and "no terminal" in result.stderr


# ---- init -------------------------------------------------------------------------------


def test_init_shows_a_sheet_that_opens_the_store(tmp_path: Path) -> None:
    words = secret(tmp_path / "words", WORDS)
    text = right(run("init", tmp_path / "home", "--passphrase-file", words))
    assert "Do not photograph them" in text and "key recover --rehearse" in text
    with Store.recover(tmp_path / "home" / "store", printed(text)) as store:
        assert [e.action for e in store.events()] == ["create", "unlock"]


def test_init_makes_no_sheet_where_none_is_wanted(tmp_path: Path) -> None:
    words = secret(tmp_path / "words", WORDS)
    text = right(run("init", tmp_path / "home", "--no-sheet", "--passphrase-file", words))
    assert "Recovery sheet" not in text and "`healthslm key rotate --sheet`" in text
    with Store.open(tmp_path / "home" / "store") as store:
        assert [r.role for r in store.rows.head().readers] == ["owner"]


def test_at_a_terminal_two_words_are_read_back_and_a_wrong_one_asked_again(tmp_path: Path) -> None:
    def answer(screen: str) -> str:
        if "passphrase" in screen.rpartition("\n")[2].lower() or "again" in screen[-20:]:
            return WORDS
        asked = int(re.findall(r"Word (\d+): $", screen)[0])
        told.append(asked)
        return "wrong" if len(told) == 1 else recovery.words(printed(screen))[asked - 1]

    told: list[int] = []
    code, screen = at_a_terminal("init", tmp_path / "home", answers=[answer] * 5)
    assert code == 0, screen
    assert len(told) == 3 and told[0] == told[1] != told[2]
    assert f"That is not word {told[0]}" in screen


def test_who_gives_up_at_the_sheet_has_no_store(tmp_path: Path) -> None:
    code, _ = at_a_terminal("init", tmp_path / "home", answers=[WORDS, WORDS, "\x03"])
    assert code == 130 and not (tmp_path / "home").exists()


# ---- erase ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "left"),
    [
        (("--day", str(TODAY)), (4, 2)),
        (("--class", "raw"), (0, 3)),
        (("--class", "derived"), (6, 0)),
        (("--stream", "chest/ecg"), (3, 3)),
        (("--stream", "chest/ppg", "--day", str(TODAY)), (5, 2)),
        (("--everything",), (0, 0)),
    ],
)
def test_what_is_named_is_erased_and_the_rest_stays(
    home: Path, scope: tuple[str, ...], left: tuple[int, int]
) -> None:
    result = run("erase", *scope, "--yes", home=home)
    text = right(result)
    assert re.search(rf"Erased: {6 - left[0]} frames? of waveforms, {3 - left[1]} records?;", text)
    assert "No key that is left in the store opens it" in text and "Backups, reports" in text
    assert counts(home) == left
    assert known(home).keys() == {"owner", "recovery"}


@pytest.mark.parametrize(
    "scope",
    [
        (),
        ("--day", "2026-01-01", "--everything"),
        ("--class", "raw", "--day", "2026-01-01"),
        ("--class", "raw", "--stream", "a/b"),
        ("--class", "audit"),
        ("--stream", "ecg"),
        ("--day", "today"),
    ],
)
def test_an_erasure_must_be_of_one_thing(home: Path, scope: tuple[str, ...]) -> None:
    assert run("erase", *scope, "--yes", home=home).exit_code == 2
    assert counts(home) == (6, 3)


def test_an_erasure_shows_what_will_go_and_takes_no_for_an_answer(home: Path) -> None:
    for answer in ("n\n", "\n", ""):
        result = run("erase", "--class", "raw", home=home, input=answer)
        assert result.exit_code == 130
        assert "This erases the waveforms." in result.stderr
        assert "3 hours of waveforms. There is no way back." in result.stderr
    assert counts(home) == (6, 3)


def test_what_was_never_there_is_said(home: Path) -> None:
    assert right(run("erase", "--day", "2020-01-01", "--yes", home=home)) == (
        "Nothing of it was here.\n"
    )


def test_everything_is_not_erased_under_a_daemon(home: Path) -> None:
    with service.alone(home / "store"):
        result = run("erase", "--everything", "--yes", home=home)
    assert result.exit_code == 78 and "Stop it" in result.stderr
    assert counts(home) == (6, 3)


def test_the_disk_has_its_room_back_and_a_daemon_goes_on(home: Path) -> None:
    path = home / "store" / "vault.db"
    with Store.open(home / "store") as store:
        raw = [frame(n, "acc", NOW) for n in range(10, 16)]
        for n in range(200):
            store.commit(raw, [], b"", now_s=NOW + n)
        store.rows.settle()
        before = path.stat().st_size
        right(run("erase", "--class", "raw", "--yes", home=home))
        assert path.stat().st_size < before / 2
        store.commit(raw, [], b"on", now_s=NOW + 300)
    assert counts(home) == (6, 3)


def test_an_erasure_that_stopped_half_way_is_shown(home: Path) -> None:
    with Store.open(home / "store") as store, store.rows.transaction(NOW) as draft:
        draft.head.job = "erasure"
    assert "an erasure stopped half way" in " ".join(right(run("status", home=home)).split())
    data = document(run("key", "status", "--json", home=home), "keys")
    assert data["unfinished"] == "erasure"
    assert "the same `healthslm erase` again" in run("key", "status", home=home).stdout


# ---- audit ------------------------------------------------------------------------------


def test_the_trail_is_shown_with_times_of_the_persons_zone(home: Path) -> None:
    right(run("erase", "--day", TODAY, "--yes", home=home))
    data = document(run("audit", "show", "--json", home=home), "audit")
    assert [e["action"] for e in data["events"]] == [
        "create",
        "unlock",
        "erasure begun",
        "erased",
        "unlock",
    ]
    assert f"{TODAY}T00:00:00.000+0" in data["events"][3]["what"]
    text = run("audit", "show", home=home).stdout
    assert f"derived and raw of {TODAY} 00:00 to " in text
    recent = document(run("audit", "show", "--json", "--since", TODAY, home=home), "audit")
    assert recent["events"][0]["action"] == "unlock"


def test_the_sheet_opens_the_trail_too_and_the_trail_says_so(home: Path) -> None:
    text = right(run("audit", "show", "--sheet-file", home / "sheet", home=home))
    assert re.search(r"recovery  unlock$", text.rstrip())


def test_a_signed_record_of_an_erasure_is_written_and_holds(home: Path, tmp_path: Path) -> None:
    record = tmp_path / "record"
    right(run("erase", "--class", "raw", "--yes", "--record", record, home=home))
    text = record.read_text()
    assert re.fullmatch(
        r"healthslm audit/1 [0-9a-f]{32}\n4\n\S{44}\n"
        r"erased the waveforms: 6 frames of waveforms, 0 records; 3 keys destroyed\n\n"
        r"— healthslm/[0-9a-f]{32} \S{92}\n",
        text,
    )
    result = run("audit", "verify", "--record", record, home=home)
    assert "The record says:\n  erased the waveforms" in right(result)
    data = document(run("audit", "verify", "--record", record, "--json", home=home), "trail")
    assert data["record"]["entries"] == 4
    again = run("erase", "--class", "raw", "--yes", "--record", record, home=home)
    assert again.exit_code == 2 and record.read_text() == text


def test_an_old_copy_of_the_whole_store_is_refused_by_a_checkpoint(
    home: Path, tmp_path: Path
) -> None:
    """Every file is put back as it was: nothing inside the store can tell."""
    shutil.copytree(home / "store", tmp_path / "old")
    right(run("consent", "show", home=home))
    right(run("audit", "show", home=home))
    kept = tmp_path / "checkpoint"
    right(run("audit", "verify", "--checkpoint", kept, home=home))

    def put_back() -> None:
        shutil.rmtree(home / "store")
        shutil.copytree(tmp_path / "old", home / "store")

    put_back()
    result = run("audit", "verify", "--record", kept, home=home)
    assert result.exit_code == 1 and "rolled back: 1 entries" in result.stderr
    put_back()
    for _ in range(3):  # as many entries again, at other times
        right(run("audit", "verify", home=home))
    result = run("audit", "verify", "--record", kept, home=home)
    assert result.exit_code == 1 and "not the one that was noted" in result.stderr


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.replace("\n2\n", "\n1\n"), "bad signature"),
        (lambda t: t.replace("audit/1 ", "audit/2 "), "bad marker"),
        (lambda t: t[:-5] + "\n", "bad marker"),
        (lambda t: t[:-4] + ("A" if t[-4] != "A" else "B") + t[-3:], "bad signature"),
        (lambda t: t + "more\n", "bad marker"),
        (lambda t: t.replace("healthslm/", "healthslm/0")[: len(t)], "bad marker"),
        (lambda _: "", "bad marker"),
    ],
)
def test_an_altered_record_is_refused(home: Path, tmp_path: Path, change: Any, says: str) -> None:
    kept = tmp_path / "checkpoint"
    right(run("audit", "verify", "--checkpoint", kept, home=home))
    altered = change(kept.read_text())
    assert altered != kept.read_text()
    kept.write_text(altered)
    result = run("audit", "verify", "--record", kept, home=home)
    assert result.exit_code == 1 and says in result.stderr


def test_a_record_of_another_store_or_of_a_device_key_before_is_told_apart(
    home: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "checkpoint"
    right(run("audit", "verify", "--checkpoint", kept, home=home))
    foreign(home)
    other = {"--store": home / "other", "--passphrase-file": home / "words", "--record": kept}
    result = run("audit", "verify", *(x for pair in other.items() for x in pair))
    assert result.exit_code == 1 and "of another store" in result.stderr
    missing(home)
    right(run("key", "rotate", "--device", home=home))
    result = run("audit", "verify", "--record", kept, home=home)
    assert result.exit_code == 1 and "another device key" in result.stderr


# ---- status and the configuration -------------------------------------------------------


def test_status_says_what_is_kept_and_how_many_can_read(home: Path) -> None:
    text = " ".join(right(run("status", home=home)).split())
    assert "ever sealed 6 frames" in text and "keeps 14 days of waveforms" in text
    assert "readers 2" in text
    data = document(run("status", "--json", home=home), "status")
    assert data["readers"] == 2 and data["unfinished"] == ""
    assert data["kept"] == {
        "raw_days": 14,
        "derived_days": 365,
        "audit_days": 1095,
        "quota_mb": 4000,
        "reserve_mb": 256,
    }


def test_no_log_file_or_environment_holds_a_secret(home: Path) -> None:
    assert not any(WORDS in value for value in os.environ.values())
    run("key", "rotate", "--data", home=home)
    for path in home.rglob("*"):
        if path.is_file() and path.name != "words":
            assert WORDS.encode() not in path.read_bytes()


def test_every_reading_command_speaks_json(home: Path) -> None:
    for command in ("key status", "consent show", "audit show", "audit verify", "status"):
        json.loads(run(*command.split(), "--json", home=home).stdout)
