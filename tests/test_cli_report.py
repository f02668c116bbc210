"""Keys and reports at the command line: what is printed, the exit code, and what is on disk."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from healthslm import vault
from healthslm.cli import main
from healthslm.config import default_toml
from healthslm.records import Finding, Gap, Summary, Vital
from healthslm.share import digest, envelope
from healthslm.vault import consent, identity
from healthslm.vault.keys import Class
from healthslm.vault.readers import Reader
from healthslm.vault.release import Release
from tests.share.given import DEVICE, bytes_of

NOON = 1_772_366_400.0  # 2026-03-01 12:00 UTC, 13:00 in Madrid
MADRID = digest.Period(29_538_660, 29_538_660 + 1440)  # that day, from 23:00 UTC
WORDS = "an old boat on five slow rivers"
SHOWN = identity.fingerprint(DEVICE.public)


def run(*arguments: object, **more: Any) -> Result:
    """Run one command as `main` does; output and errors apart."""
    env = dict.fromkeys(("NO_COLOR", "FORCE_COLOR", "HEALTHSLM_STORE"), None)
    return CliRunner(env=env).invoke(
        main, [str(a) for a in arguments], prog_name="healthslm", **more
    )


def records() -> list[Any]:
    """Return a day's worth of what a clinician should see."""
    fast = (("highest_bpm", 151.4), ("limit_bpm", 120.0), ("mean_bpm", 130.0))
    return [
        *(Vital("heart_rate", "chest/ecg-ii", NOON + 60 * n, 75.0 + n % 3) for n in range(120)),
        *(Vital("spo2", "band/spo2", NOON - 600 + 60 * n, 97.0) for n in range(20)),
        Vital("temperature", "band/temperature", NOON, 36.64),
        Finding("tachycardia", "chest/ecg-ii", NOON - 7200, NOON - 6000, "amber", fast),
        Finding("pause", "chest/ecg-ii", NOON, NOON + 3.4, "red", (("rr_s", 3.44),)),
        Finding("no_data", "band/spo2", NOON + 900, NOON + 1800, "info", (), True),
        Gap("band/spo2", NOON + 900, NOON + 1800, 15),
        Summary(NOON - 43_200, NOON + 1800, "en", "Your heart paused once.", "template"),
    ]


@pytest.fixture(scope="module")
def doctor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a reader's key on a machine of their own; return its base name."""
    folder = tmp_path_factory.mktemp("clinic")
    (folder / "words").touch(0o600)
    (folder / "words").write_text(WORDS + "\n")
    done = run("key", "init", folder / "dr", "--passphrase-file", folder / "words")
    assert done.exit_code == 0, done.output
    return folder / "dr"


def reader(doctor: Path) -> Reader:
    return identity.read(doctor.with_suffix(".key"), WORDS)


def release(doctor: Path, counter: int = 1, size: int | None = None) -> Release:
    public = identity.read_public(doctor.with_suffix(".pub"))
    audit = (size or 5 + counter, bytes_of(f"entry {size or 5 + counter}", 32))
    number = identity.fingerprint(public) and Reader(reader(doctor).private).id
    return Release(DEVICE.store_id, number, public, counter, audit, DEVICE.public, DEVICE.sign)


@pytest.fixture(scope="module")
def reports(doctor: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return what writes a report of a counter, and of an audit trail of a size."""
    folder = tmp_path_factory.mktemp("received")

    def made(counter: int = 1, size: int | None = None) -> Path:
        path = folder / f"{counter}-{size}.hsr"
        path.write_bytes(envelope.write(records(), MADRID, release(doctor, counter, size), NOON))
        return path

    return made


def opening(doctor: Path, seen: Path, *arguments: object) -> tuple[object, ...]:
    """Return a whole command that opens or verifies."""
    words = doctor.with_name("words")
    key = ("--key", doctor.with_suffix(".key"), "--passphrase-file", words, "--seen", seen)
    return ("report", *arguments, *key)


# ---- key init ---------------------------------------------------------------------------


def test_a_key_is_made_once_and_says_what_to_do_with_it(doctor: Path) -> None:
    again = run("key", "init", doctor, "--passphrase-file", doctor.with_name("words"))
    assert again.exit_code == 78 and "is there already" in again.stderr
    private, public = doctor.with_suffix(".key"), doctor.with_suffix(".pub")
    assert private.stat().st_mode & 0o777 == 0o600
    assert WORDS.encode() not in private.read_bytes() + public.read_bytes()


def test_a_new_key_prints_its_fingerprint_and_no_secret(tmp_path: Path) -> None:
    (tmp_path / "words").touch(0o600)
    (tmp_path / "words").write_text("short\n")
    done = run("key", "init", tmp_path / "dr", "--passphrase-file", tmp_path / "words")
    made = identity.read(tmp_path / "dr.key", "short")
    assert done.exit_code == 0 and "weak" in done.stderr
    assert identity.fingerprint(made.public) in done.stdout
    for secret in (made.private.hex(), "short\n"):
        assert secret not in done.output


def test_an_empty_passphrase_makes_no_key(tmp_path: Path) -> None:
    (tmp_path / "words").write_text("\n")
    done = run("key", "init", tmp_path / "dr", "--passphrase-file", tmp_path / "words")
    assert done.exit_code == 77 and not (tmp_path / "dr.key").exists()


# ---- report open ------------------------------------------------------------------------


LIST = f"""\
Report 1
  from    2026-03-01 00:00 CET
  to      2026-03-02 00:00 CET
  made    2026-03-01 13:00 CET
  device  {SHOWN}

       began                  lasted  finding      numbers
red    2026-03-01 13:00 CET  ≤ 1 min  pause        RR 3.4 s
amber  2026-03-01 11:00 CET  ≤ 20 min  tachycardia  highest 151 /min, limit 120 /min, mean 130 /min
"""


def test_a_report_shows_what_was_found_and_then_each_measure(doctor, reports, tmp_path) -> None:
    zone = ("--timezone", "Europe/Madrid")
    done = run(*opening(doctor, tmp_path, "open", reports(), "--trust", SHOWN, *zone))
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[:6] == LIST.splitlines()[:6]
    assert [re.split(r" {2,}", line)[0] for line in lines[7:10]] == ["red", "amber", "info"]
    assert "highest 151 /min, limit 120 /min, mean 130 /min" in lines[8]
    assert "≥ 15 min" in lines[9] and "no data" in lines[9]
    at = lines.index("heart rate /min")
    assert re.split(r" {2,}", lines[at + 2]) == [
        *("2026-03-01 12:00 CET", "2 h 00 min", "75", "76", "77")
    ]
    at = lines.index("temperature °C")
    assert re.split(r" {2,}", lines[at + 2])[1:] == ["1 min", "36.6", "36.6", "36.6"]
    assert "SpO2             20 min     15 min" in lines


def test_nothing_finer_or_more_personal_than_the_schema_is_shown(doctor, reports, tmp_path) -> None:
    done = run(*opening(doctor, tmp_path, "open", reports(), "--trust", SHOWN, "--json"))
    for word in ("chest", "band", "ecg-ii", "paused", "3.44", "36.64", "template"):
        assert word not in done.output


def test_a_report_as_json(doctor, reports, tmp_path) -> None:
    done = run(*opening(doctor, tmp_path, "open", reports(), "--trust", SHOWN, "--json"))
    data = json.loads(done.stdout)
    assert data["schema"] == "healthslm/report/1"
    (told,) = data["reports"]
    assert (told["counter"], told["device"], told["slot_minutes"]) == (1, SHOWN, 15)
    assert told["start"] == "2026-02-28T23:00:00.000+00:00"
    assert told["findings"][0] == {
        "kind": "pause",
        "severity": "red",
        "start": "2026-03-01T12:00:00.000+00:00",
        "end": "2026-03-01T12:01:00.000+00:00",
        "ongoing": False,
        "count": 1,
        "evidence": {"rr_s": 3.4},
    }
    rate = told["measures"][0]
    assert (rate["kind"], rate["unit"], len(rate["slots"])) == ("heart_rate", "/min", 9)
    assert told["measures"][2]["slots"][0]["median"] == 36.6
    assert {"kind": "spo2", "measured_minutes": 20, "gap_minutes": 15} in told["coverage"]


def test_an_empty_report_is_no_all_clear(doctor, tmp_path) -> None:
    path = tmp_path / "empty.hsr"
    path.write_bytes(envelope.write([], MADRID, release(doctor), NOON))
    done = run(*opening(doctor, tmp_path, "open", path, "--trust", SHOWN))
    assert done.exit_code == 0 and "that is not an all-clear" in done.stdout


def test_a_new_device_shows_its_fingerprint_and_is_not_trusted_unasked(
    doctor, reports, tmp_path
) -> None:
    done = run(*opening(doctor, tmp_path / "seen", "open", reports()))
    assert done.exit_code == 1 and "unknown device" in done.stderr and SHOWN in done.stderr
    assert done.stdout == "" and not (tmp_path / "seen").exists()
    wrong = run(*opening(doctor, tmp_path, "open", reports(), "--trust", SHOWN[::-1]))
    assert wrong.exit_code == 1 and "unknown device" in wrong.stderr


def test_a_device_is_asked_for_once(doctor, reports, tmp_path) -> None:
    assert run(*opening(doctor, tmp_path, "open", reports(1), "--trust", SHOWN)).exit_code == 0
    later = run(*opening(doctor, tmp_path, "open", reports(3)))
    assert later.exit_code == 0 and "1 report before it never came here" in later.stderr


def test_a_replayed_and_a_rolled_back_report_are_refused_by_name(doctor, reports, tmp_path) -> None:
    first = reports(2, 9)
    assert run(*opening(doctor, tmp_path, "open", first, "--trust", SHOWN)).exit_code == 0
    for path, reason in (
        (first, "replayed"),
        (reports(1, 20), "replayed"),
        (reports(3, 8), "rolled"),
    ):
        done = run(*opening(doctor, tmp_path, "open", path))
        assert done.exit_code == 1 and done.stdout == ""
        assert f"healthslm: error: {reason}" in done.stderr and path.name in done.stderr
    again = run(*opening(doctor, tmp_path, "open", first, "--again"))
    assert again.exit_code == 0 and "(opened before)" in again.stdout


def test_several_reports_are_opened_in_the_order_in_which_they_were_made(
    doctor, reports, tmp_path
) -> None:
    files = (reports(3), reports(1), reports(2))
    done = run(*opening(doctor, tmp_path, "open", *files, "--trust", SHOWN, "--json"))
    assert done.exit_code == 0, done.output
    assert [r["counter"] for r in json.loads(done.stdout)["reports"]] == [1, 2, 3]


def test_what_was_opened_is_shown_even_where_the_next_is_refused(doctor, reports, tmp_path) -> None:
    files = (reports(1, 9), reports(2, 8))
    done = run(*opening(doctor, tmp_path, "open", *files, "--trust", SHOWN, "--json"))
    assert done.exit_code == 1 and "rolled back" in done.stderr
    assert [r["counter"] for r in json.loads(done.stdout)["reports"]] == [1]


def test_an_altered_report_is_an_error_and_not_an_answer(doctor, reports, tmp_path) -> None:
    data = bytearray(reports().read_bytes())
    data[2000] ^= 1
    (tmp_path / "a.hsr").write_bytes(data)
    done = run(*opening(doctor, tmp_path, "open", tmp_path / "a.hsr", "--trust", SHOWN))
    assert done.exit_code == 1 and done.stdout == "" and "bad tag" in done.stderr


def test_a_wrong_passphrase_is_locked(doctor, reports, tmp_path) -> None:
    (tmp_path / "words").touch(0o600)
    (tmp_path / "words").write_text("another\n")
    key = ("--key", doctor.with_suffix(".key"), "--passphrase-file", tmp_path / "words")
    done = run("report", "open", reports(), *key)
    assert done.exit_code == 77 and "wrong passphrase" in done.stderr
    assert "healthslm review" not in done.stderr  # no word of a store that is elsewhere


def test_a_zone_that_is_none_is_wrong_usage(doctor, reports, tmp_path) -> None:
    done = run(*opening(doctor, tmp_path, "open", reports(), "--timezone", "Mars"))
    assert done.exit_code == 2 and "Europe/Madrid" in done.stderr


# ---- report verify ----------------------------------------------------------------------


def test_what_is_verified_shows_no_number_and_can_still_be_opened(
    doctor, reports, tmp_path
) -> None:
    files = (reports(2), reports(1))
    done = run(*opening(doctor, tmp_path, "verify", *files, "--trust", SHOWN))
    assert done.exit_code == 0
    assert done.stdout == (
        "report 1: genuine, whole, and not opened here before\n"
        "report 2: genuine, whole, and not opened here before\n"
    )
    assert list(tmp_path.iterdir()) == []
    assert run(*opening(doctor, tmp_path, "open", *files)).exit_code == 1  # nor pinned
    assert run(*opening(doctor, tmp_path, "open", *files, "--trust", SHOWN)).exit_code == 0
    seen = run(*opening(doctor, tmp_path, "verify", files[0]))
    assert seen.exit_code == 1 and "replayed" in seen.stderr


def test_verified_reports_as_json(doctor, reports, tmp_path) -> None:
    done = run(*opening(doctor, tmp_path, "verify", reports(4), "--trust", SHOWN, "--json"))
    assert json.loads(done.stdout) == {
        "schema": "healthslm/verified/1",
        "reports": [{"counter": 4, "missing": 3}],
    }


# ---- report create ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, doctor: Path) -> Path:
    """Make a folder as `init` does, with a day in its store and a consent for the doctor."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "healthslm.toml").write_text(default_toml(timezone="Europe/Madrid"))
    vault.create(folder / "store", WORDS, now_s=NOON, profile=vault.PROFILES["cheapest"])
    with vault.Store.open(folder / "store") as store:
        store.commit([], records(), b"", now_s=NOON)
    with vault.Store.unlock(folder / "store", WORDS, now_s=NOON) as store:
        public = identity.read_public(doctor.with_suffix(".pub"))
        consent.add(store, "dr", public, now_s=NOON)
        consent.grant(store, "dr", [Class.DERIVED], now_s=NOON)
    return folder


def released(home: Path) -> list[str]:
    """Return who a report was made for, from the audit trail."""
    with vault.Store.unlock(home / "store", WORDS) as store:
        return [e.what for e in store.events() if e.action == "report"]


def test_a_report_is_made_without_a_passphrase_and_opens_for_its_reader(
    home, doctor, tmp_path
) -> None:
    out = tmp_path / "out"
    done = run(
        "report", "create", "--to", "dr", "--day", "2026-03-01", "--store", home, "--out", out
    )
    assert done.exit_code == 0, done.output
    (path,) = out.iterdir()
    assert done.stdout == f"{path}\n"
    assert re.fullmatch(r"[0-9a-f]{16}\.hsr", path.name) and path.stat().st_size == 4096
    assert released(home)[-1] == "dr"
    with vault.Store.open(home / "store") as store:
        shown = identity.fingerprint(store.rows.device_public)
    seen = run(*opening(doctor, tmp_path / "seen", "open", path, "--trust", shown, "--json"))
    (told,) = json.loads(seen.stdout)["reports"]
    assert told["start"] == "2026-02-28T23:00:00.000+00:00"  # midnight in Madrid
    assert [f["kind"] for f in told["findings"]] == ["pause", "tachycardia", "no_data"]


def test_the_same_day_twice_differs_in_the_counter_and_the_second_opens_after_the_first(
    home, doctor, tmp_path
) -> None:
    paths = []
    for name in ("one", "two"):
        run("report", "create", "--to", "dr", "--store", home, "--out", tmp_path / name)
        paths += (tmp_path / name).iterdir()
    one, other = (p.read_bytes() for p in paths)
    assert one != other and len(one) == len(other)
    with vault.Store.open(home / "store") as store:
        shown = identity.fingerprint(store.rows.device_public)
    seen = tmp_path / "seen"
    done = run(*opening(doctor, seen, "open", paths[1], "--trust", shown))
    assert done.exit_code == 0, done.output
    done = run(*opening(doctor, seen, "open", paths[0], "--trust", shown))
    assert done.exit_code == 1 and "replayed" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--day", "2026-02-01"), "no further"),
        (("--day", "2036-02-01"), "not come yet"),
        (("--day", "2026-03-01", "--since", "10:00"), "one period at a time"),
    ],
)
def test_a_period_that_cannot_be_told_is_wrong_usage(home, tmp_path, arguments, words) -> None:
    before = released(home)
    done = run("report", "create", "--to", "dr", "--store", home, "--out", tmp_path, *arguments)
    assert done.exit_code == 2 and words in done.stderr
    assert list(tmp_path.iterdir()) == [] and released(home) == before


def test_the_owner_may_tell_an_older_day_but_at_most_eight(home, tmp_path) -> None:
    before = len(released(home))
    (tmp_path / "words").touch(0o600)
    (tmp_path / "words").write_text(WORDS + "\n")
    base = ("report", "create", "--to", "dr", "--store", home, "--out", tmp_path / "out")
    owner = (*base, "--passphrase-file", tmp_path / "words")
    assert run(*owner, "--day", "2026-02-01").exit_code == 0
    long = run(*owner, "--since", "2026-01-01")
    assert long.exit_code == 2 and "at most 8 days" in long.stderr
    assert len(released(home)) == before + 1


def test_nothing_is_made_for_whom_no_consent_stands(home, tmp_path) -> None:
    with vault.Store.unlock(home / "store", WORDS) as store:
        consent.add(store, "known", Reader.new().public, now_s=NOON)
    for name in ("known", "stranger"):
        done = run("report", "create", "--to", name, "--store", home, "--out", tmp_path)
        assert done.exit_code == 78 and "no consent" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_empty_store_has_nothing_to_tell(tmp_path) -> None:
    vault.create(tmp_path / "store", WORDS, now_s=NOON, profile=vault.PROFILES["cheapest"])
    done = run("report", "create", "--to", "dr", "--store", tmp_path / "store")
    assert done.exit_code == 78 and "nothing was recorded yet" in done.stderr


# ---- review as a clinician -------------------------------------------------------------


def test_a_clinician_reviews_on_the_board_what_was_granted_and_no_waveform(home, doctor) -> None:
    key = ("--key", doctor.with_suffix(".key"), "--passphrase-file", doctor.parent / "words")
    done = run("review", "list", "--store", home, "--json", *key)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)["findings"]
    assert {f["kind"] for f in found} >= {"pause", "tachycardia"}
    shown = run("review", "show", "1", "--store", home, *key)
    assert shown.exit_code == 0, shown.output
    with vault.Store.unlock(home / "store", WORDS) as store:
        assert [e.who for e in store.events() if e.action == "unlock"].count("dr") == 2


def test_a_stranger_with_a_key_of_their_own_reviews_nothing(home, tmp_path) -> None:
    (tmp_path / "words").touch(0o600)
    (tmp_path / "words").write_text(WORDS + "\n")
    run("key", "init", tmp_path / "eve", "--passphrase-file", tmp_path / "words")
    key = ("--key", tmp_path / "eve.key", "--passphrase-file", tmp_path / "words")
    done = run("review", "list", "--store", home, *key)
    assert done.exit_code == 77 and "no consent stands" in done.stderr
