"""The command line at its real boundary: what is printed, the exit code, and what is on disk."""

import json
import os
import pty
import re
import socket
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import healthslm.cli
from healthslm import ingest, ledger, vault
from healthslm.broker import Broker, listens, mosquitto, settings
from healthslm.cli import bench, console, main
from healthslm.cli.review import listed
from healthslm.config import default_toml
from healthslm.days import bounds, day_of
from healthslm.recordings import load
from healthslm.records import Finding, Frame, Gap, Summary, Vital
from healthslm.review.timeline import events, when
from healthslm.simulate import SCENES

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"
NOON = 1_772_366_400.0  # 2026-03-01 12:00 UTC, 13:00 in Madrid
WORDS = "an old boat on five slow rivers"
FS = 250.0


def run(*arguments: object, **more: Any) -> Result:
    """Run one command as `main` does; output and errors apart."""
    env = {**dict.fromkeys(("NO_COLOR", "FORCE_COLOR", "HEALTHSLM_STORE"), None), **more}
    return CliRunner(env=env).invoke(main, [str(a) for a in arguments], prog_name="healthslm")


def ecg() -> list[Frame]:
    """Return a minute of heart beats from 11:59:30, with a pause of 3.4 s from 12:00:00."""
    t = np.arange(60 * FS) / FS
    peaks = np.concatenate([np.arange(0.4, 30.2, 0.8), np.arange(33.6, 60, 0.8)])
    wave = sum(np.exp(-((t - p) ** 2) / (2 * 0.012**2)) for p in peaks)
    raw = np.rint(1000 * np.asarray(wave)).astype("<i2")
    return [
        Frame(
            "chest",
            "ecg-ii",
            1,
            n,
            n * 1250,
            NOON - 30 + n * 5,
            FS,
            "mV",
            0.001,
            0.0,
            raw[n * 1250 : (n + 1) * 1250].tobytes(),
        )
        for n in range(12)
    ]


def records() -> list[Any]:
    """Return a day's worth of what a clinician should see."""
    fast = (("highest_bpm", 151.0), ("limit_bpm", 120.0))
    return [
        *(Vital("heart_rate", "chest/ecg-ii", NOON - 30 + 10 * n, 75.0 + n % 2) for n in range(6)),
        *(Vital("spo2", "band/spo2", NOON - 600 + 60 * n, 97.0) for n in range(20)),
        Finding("tachycardia", "band/ppg", NOON - 7200, NOON - 6000, "amber", fast),
        Finding("tachycardia", "chest/ecg-ii", NOON - 7190, NOON - 6900, "amber", fast, True),
        Finding("tachycardia", "chest/ecg-ii", NOON - 7190, NOON - 6000, "amber", fast),
        Finding("pause", "chest/ecg-ii", NOON, NOON + 3.4, "red", (("rr_s", 3.4),)),
        Finding("no_data", "band/spo2", NOON + 900, NOON + 1800, "info", (), True),
        Gap("band/spo2", NOON + 900, NOON + 1800, 15),
        Summary(NOON - 43_200, NOON + 1800, "en", "Your heart paused once.", "template"),
    ]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder as `init` does, with a day in its store."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "healthslm.toml").write_text(default_toml(timezone="Europe/Madrid"))
    vault.create(folder / "store", WORDS, now_s=NOON, profile=vault.PROFILES["cheapest"])
    (folder / "words").touch(0o600)
    (folder / "words").write_text(WORDS + "\n")
    intake = ingest.Intake()
    for frame in ecg():
        intake.accept(frame, None)
    for reason in ("unit", "unit", "malformed", "repeat"):
        intake.count(reason)
    state = ledger.State(intake.snapshot(), b"", intake.counts, NOON + 1800, 0.0)
    with vault.Store.open(folder / "store") as store:
        store.set_aside("unit", b"?")
        store.commit(ecg(), records(), ledger.write(state), now_s=NOON)
    return folder


def secret(home: Path) -> tuple[object, ...]:
    """Return the options that open a store for its owner."""
    return "--store", home, "--passphrase-file", home / "words"


def described(schema: str) -> set[str]:
    """Return the keys that docs/commands.md gives a schema's document."""
    text = (
        PAGE.read_text("utf-8").partition(f"### `healthslm/{schema}/1`")[2].partition("\n### ")[0]
    )
    rows = re.findall(r"^\| (`[^|]*) \|", text, re.MULTILINE)
    return {key for row in rows for key in re.findall(r"`([a-z_]+)`", row)}


def document(result: Result, schema: str) -> dict[str, Any]:
    """Return a JSON document whose keys are those the page describes, in full."""
    data: dict[str, Any] = json.loads(result.stdout)
    assert data.pop("schema") == f"healthslm/{schema}/1"
    assert set(data) == described(schema)
    return data


# ---- starting ---------------------------------------------------------------------------


def loaded(*arguments: str) -> set[str]:
    """Return the modules that one command leaves loaded in a fresh interpreter."""
    code = (
        "import sys\nfrom healthslm.cli import main\n"
        "try: main(sys.argv[1:], prog_name='healthslm')\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "sys.stderr.write(' '.join(sys.modules))"
    )
    command = [sys.executable, "-c", code, *arguments]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stderr.split())


HEAVY = {"numpy", "scipy", "pandas", "onnxruntime", "paho"}


@pytest.mark.parametrize("command", ["--help", "status --help", "bench --help", "--version"])
def test_help_loads_no_numpy(command: str) -> None:
    assert not loaded(*command.split()) & HEAVY


@pytest.mark.parametrize("command", ["status", "review list", "summary"])
def test_reading_the_store_loads_no_numpy(command: str, home: Path) -> None:
    assert not loaded(*command.split(), "--store", str(home)) & HEAVY


def test_help_takes_at_most_a_quarter_of_a_second_of_cpu() -> None:
    """The least of three: other work on the machine is not ours to measure."""
    code = (
        "import resource, sys\nfrom healthslm.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "used = resource.getrusage(resource.RUSAGE_SELF)\n"
        "sys.stderr.write(str(used.ru_utime + used.ru_stime))"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(3)
    ]
    assert min(float(r.stderr) for r in runs) <= 0.25


def test_the_version_is_the_packages() -> None:
    assert run("--version").stdout == f"healthslm {healthslm.__version__}\n"


# ---- errors -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["stauts"], 2, "no such command 'stauts'"),
        (["status", "--nope"], 2, "no such option '--nope'"),
        (["status", "--store", "/nowhere"], 78, "no store here. Name its folder with --store"),
        (["replay", "/nowhere.hea"], 1, "no recording at nowhere.hea"),
        (["replay", "/"], 1, "want a folder with recording.json"),
        (["run", "--config", "/nowhere.toml"], 78, "/nowhere.toml: No such file"),
        (["model", "check", "--model", "/nowhere"], 1, "there is no model here"),
        (
            ["simulate", "--hours", "0.1", "--out", "/proc/none"],
            1,
            "check the path, its permissions",
        ),
    ],
)
def test_an_error_is_one_line_that_says_what_to_do(
    arguments: list[str], code: int, says: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == code
    assert result.stdout == ""
    first = result.stderr.splitlines()[0]
    assert first.startswith("healthslm: error: ") and first.endswith(".")
    assert says.lower() in first.lower()
    assert "Traceback" not in result.stderr


def test_no_arguments_show_the_help_and_are_wrong_usage() -> None:
    result = run()
    assert result.exit_code == 2 and result.stderr.startswith("Usage: healthslm ")


def test_an_unknown_key_in_the_configuration_is_named(home: Path, tmp_path: Path) -> None:
    (tmp_path / "healthslm.toml").write_text("[person]\nage = 60\n")
    result = run("status", "--store", tmp_path)
    assert result.exit_code == 78 and "[person] age: unknown; known: " in result.stderr


def test_an_altered_store_is_an_error_and_not_an_answer(home: Path, tmp_path: Path) -> None:
    subprocess.run(["cp", "-r", home / "store", tmp_path / "store"], check=True)
    (tmp_path / "store" / "vault.mark").write_bytes(bytes(8192))
    result = run("status", "--store", tmp_path / "store")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "nothing was changed" in result.stderr


def test_a_reader_that_stops_early_is_no_error(home: Path) -> None:
    command = f"{sys.executable} -m healthslm review --store {home} --json | head -c 1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.stdout == "{" and "Traceback" not in done.stderr


# ---- init -------------------------------------------------------------------------------


def at_a_terminal(
    *arguments: object, answers: Sequence[str | Callable[[str], str]]
) -> tuple[int, str]:
    """Run a command on a terminal and answer its questions in turn; return code and screen."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["NO_COLOR"] = "1"
        os.execv(sys.executable, [sys.executable, "-m", "healthslm", *map(str, arguments)])  # noqa: S606
    screen = ""
    waiting = [*answers]
    while True:
        try:
            screen += os.read(terminal, 4096).decode()
        except OSError:  # the child has gone
            break
        if waiting and re.search(r"(: |\? |\]: )$", screen):
            answer = waiting.pop(0)
            words = answer if isinstance(answer, str) else answer(screen.replace("\r", ""))
            os.write(terminal, words.encode() + b"\n")
            screen += "\n"
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), screen.replace("\r", "")


def test_init_asks_twice_without_echo_and_makes_a_sealed_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    code, screen = at_a_terminal(
        "init", home, "--no-sheet", "--timezone", "Europe/Madrid", answers=[WORDS, WORDS]
    )
    assert code == 0, screen
    assert WORDS not in screen
    plain = screen.partition("What protects it")[2].partition("Next")[0].splitlines()
    assert max(map(len, plain)) <= 80
    assert "What protects it" in screen and "healthslm run --config" in screen
    names = sorted(str(p.relative_to(home)) for p in home.rglob("*") if p.is_file())
    assert names == [
        "healthslm.toml",
        "mosquitto.conf",
        "store/device.key",
        "store/vault.db",
        "store/vault.mark",
    ]
    assert (home / "store" / "device.key").stat().st_mode & 0o777 == 0o600
    assert all(WORDS.encode() not in p.read_bytes() for p in home.rglob("*") if p.is_file())
    assert 'timezone = "Europe/Madrid"' in (home / "healthslm.toml").read_text()
    assert (home / "mosquitto.conf").read_text() == settings("1883 127.0.0.1")
    with vault.Store.unlock(home / "store", WORDS) as store:
        assert list(store.frames()) == []


def test_two_different_passphrases_make_nothing(tmp_path: Path) -> None:
    code, screen = at_a_terminal(
        "init", tmp_path / "home", "--no-sheet", answers=[WORDS, "another", WORDS, WORDS]
    )
    assert code == 0 and "do not match" in screen


def test_a_weak_passphrase_is_named_as_weak_and_may_be_taken_back(tmp_path: Path) -> None:
    code, screen = at_a_terminal("init", tmp_path / "home", answers=["sesame", "sesame", "n"])
    assert code == 130 and "weak: it has 6 characters; 15 is the least that holds" in screen
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (WORDS, None),
        ("correct horse battery", None),
        ("14 characters!", "14 characters"),
        ("15 characters!!", None),
        ("My-Password-is-very-long", "first words"),
        ("918273645546372819", "only digits"),
        ("abababababababababab", "repeats"),
    ],
)
def test_what_is_weak(words: str, why: str | None) -> None:
    found = console.weakness(words)
    assert (found is None) if why is None else (why in str(found))


def test_init_never_touches_what_is_there(home: Path) -> None:
    before = {p: p.read_bytes() for p in home.rglob("*") if p.is_file()}
    result = run("init", home, "--passphrase-file", home / "words")
    assert result.exit_code == 78 and "exists" in result.stderr
    assert {p: p.read_bytes() for p in home.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--timezone", "Mars/Olympus", "no such IANA zone"),
        ("--person", "Ada Lovelace", "id: want a-z, 0-9"),
        ("--emergency", "call mum", "emergency_number: want 2 to 20 digits"),
        ("--lang", "xx", "must be one of en, es"),
        ("--port", "70000", "not in the range"),
    ],
)
def test_a_wrong_setting_is_named_before_a_passphrase_is_asked_for(
    option: str, value: str, says: str, tmp_path: Path
) -> None:
    result = run("init", tmp_path / "new", option, value)
    assert result.exit_code == 2 and says in result.stderr
    assert list(tmp_path.iterdir()) == []


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_the_broker_runs_as_it_was_configured_and_writes_nothing(
    home: Path, tmp_path: Path
) -> None:
    program = mosquitto()
    if program is None:
        pytest.skip("mosquitto is not installed")
    port = free_port()
    options = "--passphrase-file", home / "words", "--port", port
    made = run("init", tmp_path / "a", *options)
    assert made.exit_code == 0 and "answers on port" not in made.stderr
    command = [program, "-c", tmp_path / "a" / "mosquitto.conf"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as broker:
        while not listens(port):
            assert broker.poll() is None
            time.sleep(0.02)
        second = run("init", tmp_path / "b", *options)
        assert second.exit_code == 0 and f"answers on port {port}" in second.stderr
        broker.terminate()
        assert broker.communicate(timeout=10)[1] == ""
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]


def test_a_passphrase_is_no_argument_and_no_variable(home: Path) -> None:
    assert run("review", "show", "1", "--passphrase", WORDS).exit_code == 2
    result = run("review", "show", "1", "--store", home, HEALTHSLM_PASSPHRASE=WORDS)
    assert result.exit_code == 77 and "this is no terminal" in result.stderr


def test_a_file_that_others_may_read_is_named(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "words"
    file.write_text(WORDS)
    file.chmod(0o644)
    result = run("review", "--store", home, "--passphrase-file", file)
    assert result.exit_code == 0 and "others may read" in result.stderr


# ---- review -----------------------------------------------------------------------------


def test_the_list_is_exactly_this(home: Path) -> None:
    result = run("review", "list", "--store", home)
    ids = re.findall(r"^\d  ([a-z0-9]{4})  ", result.stdout, re.MULTILINE)
    assert result.stdout.splitlines() == [
        "#  id           began               lasted  finding      seen by",
        f"1  {ids[0]}  red    2026-03-01 13:00     3.4 s  pause        chest/ecg-ii",
        f"2  {ids[1]}  amber  2026-03-01 11:00    20 min  tachycardia  band/ppg +1",
        f"3  {ids[2]}  info   2026-03-01 13:15  ≥ 15 min  no data      band/spo2",
        "3 findings: 1 red, 1 amber, 1 info. Times are Europe/Madrid.",
    ]
    assert "healthslm review show" in result.stderr


def test_a_long_list_fits_eighty_columns(capsys: pytest.CaptureFixture[str]) -> None:
    """Ten rows, an open end, a long kind and a long stream: the last column gives way."""
    long = "band/respiratory_rate"
    found = [
        Finding("irregular_rhythm", long, NOON + n * 1e5, NOON + n * 1e5 + 85_000, "red", (), True)
        for n in range(10)
    ]
    listed(events(found), lambda t_s: when(t_s, "UTC")[:16])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) == 80 and lines[-1].endswith("band/respir…")


def test_the_list_is_the_same_with_the_sealed_folder_and_without_a_command(home: Path) -> None:
    listed = run("review", "list", "--store", home).stdout
    assert run("review", "--store", home / "store").stdout == listed
    assert run("review", HEALTHSLM_STORE=str(home)).stdout == listed
    assert run("review", "list", *secret(home)).stdout == listed


def test_findings_make_exit_code_3_where_it_is_asked_for(home: Path) -> None:
    assert run("review", "list", "--store", home, "--exit-code").exit_code == 3
    assert run("review", "list", "--store", home).exit_code == 0


def test_the_list_as_json(home: Path) -> None:
    data = document(run("review", "list", "--store", home, "--json"), "review")
    assert [f["kind"] for f in data["findings"]] == ["pause", "tachycardia", "no_data"]
    pause = data["findings"][0]
    assert pause["start"] == "2026-03-01T13:00:00.000+01:00"
    assert pause["findings"][0]["evidence"] == {"rr_s": 3.4}
    assert data["findings"][1]["sources"] == ["band/ppg", "chest/ecg-ii"]


def test_colours_are_for_terminals(home: Path) -> None:
    assert "\x1b" not in run("review", "--store", home).stdout
    assert "\x1b[31m\x1b[1mred" in run("review", "--store", home, FORCE_COLOR="1").stdout
    both = run("review", "--store", home, FORCE_COLOR="1", NO_COLOR="1")
    assert "\x1b" not in both.stdout


def test_an_empty_list_is_no_all_clear(tmp_path: Path) -> None:
    vault.create(tmp_path / "store", WORDS, now_s=NOON, profile=vault.PROFILES["cheapest"])
    result = run("review", "list", "--store", tmp_path / "store", "--exit-code")
    assert (result.exit_code, result.stdout) == (0, "Nothing was found in 0 records.\n")
    assert "not an all-clear" in result.stderr


def test_an_empty_store_has_no_day_to_tell(tmp_path: Path) -> None:
    vault.create(tmp_path / "store", WORDS, now_s=NOON, profile=vault.PROFILES["cheapest"])
    result = run("summary", "--store", tmp_path / "store")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no record of the last 8 days" in result.stderr


def test_a_finding_is_shown_with_its_strip_and_its_words(home: Path) -> None:
    result = run("review", "show", "1", *secret(home))
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("red · pause  ")
    assert "  began         2026-03-01 13:00:00 CET" in lines
    assert "  chest/ecg-ii  RR 3.40 s" in lines
    assert any(re.fullmatch(r"chest/ecg-ii heart rate /min +75 \(75-76\).*", x) for x in lines)
    assert "chest/ecg-ii, 2026-03-01 12:59:56 CET, 10 s" in lines
    assert sum(any("\u2801" <= c <= "\u28ff" for c in x) for x in lines) >= 5
    assert lines[-2:] == ["Told (en, by template)", "  Your heart paused once."]


def test_a_finding_is_found_by_its_row_and_by_its_name(home: Path) -> None:
    listed = document(run("review", "--store", home, "--json"), "review")["findings"]
    for row in (1, 2, 3):
        name = listed[row - 1]["id"]
        by_row = run("review", "show", row, *secret(home))
        assert run("review", "show", name, *secret(home)).stdout == by_row.stdout
    unknown = run("review", "show", "zzzz", *secret(home))
    assert unknown.exit_code == 2 and "the list has rows 1 to 3" in unknown.stderr


def test_where_no_ecg_was_read_it_is_said(home: Path) -> None:
    assert "No ECG was recorded at this time." in run("review", "show", "2", *secret(home)).stdout


def test_waveforms_open_for_the_owner_alone(home: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("another passphrase\n")
    result = run("review", "show", "1", "--store", home, "--passphrase-file", wrong)
    assert (result.exit_code, result.stdout) == (77, "")
    wrong.write_text("\n")
    assert run("review", "show", "1", "--store", home, "--passphrase-file", wrong).exit_code == 77


def test_a_finding_as_json_with_its_samples(home: Path) -> None:
    result = run("review", "show", "1", *secret(home), "--json", "--raw")
    data = document(result, "finding")
    assert data["finding"]["kind"] == "pause" and data["finding"]["row"] == 1
    assert (data["strip"]["filter"], len(data["strip"]["mv"])) == ("none", 2500)
    assert max(data["strip"]["mv"]) == pytest.approx(1.0, abs=0.01)
    assert data["told"][0]["text"] == "Your heart paused once."
    spo2 = next(v for v in data["vitals"] if v["kind"] == "spo2")
    assert spo2["during"] is None or spo2["during"]["n"] == 1
    assert spo2["before"]["median"] == 97.0


def test_the_strip_can_be_printed(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "strip.svg"
    result = run("review", "show", "1", *secret(home), "--svg", file)
    assert result.exit_code == 0 and "in clear" in result.stderr
    assert ET.parse(file).getroot().get("width") == "260mm"  # noqa: S314
    nowhere = run("review", "show", "1", *secret(home), "--svg", tmp_path / "none" / "strip.svg")
    assert nowhere.exit_code == 1 and "no such file or directory" in nowhere.stderr


def test_a_strip_may_begin_elsewhere_and_show_another_stream(home: Path) -> None:
    later = run("review", "show", "1", *secret(home), "--at", "20").stdout
    assert "chest/ecg-ii, 2026-03-01 13:00:20 CET, 10 s" in later
    other = run("review", "show", "1", *secret(home), "--stream", "band/ppg")
    assert other.exit_code == 2 and "band/ppg is no ECG" in other.stderr


# ---- status, summary, model -------------------------------------------------------------


def test_status_counts_what_came_and_why_some_was_refused(home: Path) -> None:
    data = document(run("status", "--store", home, "--json"), "status")
    assert data["frames"] == 12
    assert data["records"]["finding"] == 5 and data["records"]["gap"] == 1
    assert data["streams"] == {"chest/ecg-ii": {"boot": 1, "frames": 12}}
    assert data["refused"] == {"malformed": 1, "unit": 2}
    assert data["messages"]["taken"] == 12 and data["messages"]["repeat"] == 1
    assert data["set_aside"] == 1 and data["rows"] >= 8


def test_status_says_what_protects_the_store_and_shows_no_measurement(home: Path) -> None:
    result = run("status", "--store", home)
    assert result.exit_code == 0 and max(map(len, result.stdout.splitlines())) <= 80
    assert "0600 key file" in result.stdout and "2  refused: unit" in result.stdout
    assert "pause" not in result.stdout and "tachycardia" not in result.stdout


def test_the_summary_is_what_the_person_was_told(home: Path) -> None:
    result = run("summary", "--store", home)
    assert result.stdout == "Your heart paused once.\n"
    assert "2026-03-01 01:00 to 13:30 CET, en, plain, written at the time" in result.stderr
    assert "by the template, not the model: for a reason that was not kept" in result.stderr


def test_a_summary_can_be_written_anew_at_a_stated_cost(home: Path, tmp_path: Path) -> None:
    environment = {"HEALTHSLM_MODEL_FOLDER": str(tmp_path)}  # no model there
    result = run("summary", "--store", home, "--again", "--watts", "4", **environment)
    assert result.exit_code == 0 and result.stdout != "Your heart paused once.\n"
    assert re.search(r"\d ms of CPU, \S+ J at 4 W", result.stderr)
    assert "by the template, not the model: the model's folder, or a file" in result.stderr
    spanish = run("summary", "--store", home, "--lang", "es", "--json", **environment)
    data = document(spanish, "summary")
    assert (data["source"], data["lang"], data["day"]) == ("template", "es", "2026-03-01")
    assert data["joules"] == pytest.approx(data["cpu_ms"] * 5.0 / 1000, abs=0.001)


def test_a_day_without_records_is_not_made_up(home: Path) -> None:
    result = run("summary", "--store", home, "--day", "2026-02-27", HEALTHSLM_MODEL_FOLDER="/none")
    assert result.exit_code == 0 and "we do not know" in result.stdout
    assert not re.search(r"\d", result.stdout)
    assert run("summary", "--store", home, "--day", "yesterday").exit_code == 2
    early = run("summary", "--store", home, "--day", "2026-02-21")
    assert early.exit_code == 2 and "reaches back to 2026-02-22, no further" in early.stderr
    late = run("summary", "--store", home, "--day", "2199-01-01")
    assert late.exit_code == 2 and "has not come yet" in late.stderr
    other = run("summary", "--store", home, "--lang", "xx")
    assert other.exit_code == 2 and "there are en, es" in other.stderr


def test_a_period_is_one_of_four(home: Path) -> None:
    """Each is written now; a night is a night by local clocks."""
    spans = {}
    for name, options in {
        "night": ["--night"],
        "week": ["--week"],
        "since": ["--since", "12:00"],
        "day": ["--again"],
    }.items():
        result = run("summary", "--store", home, *options, "--json", HEALTHSLM_MODEL_FOLDER="none")
        data = document(result, "summary")
        assert (data["period"], data["stored"], data["reason"]) == (name, False, "none")
        spans[name] = data["start"], data["end"]
    midnight = "2026-03-02T00:00:00.000+01:00"
    assert spans == {
        "night": ("2026-02-28T22:00:00.000+01:00", "2026-03-01T06:00:00.000+01:00"),
        "week": ("2026-02-23T00:00:00.000+01:00", midnight),
        "since": ("2026-03-01T12:00:00.000+01:00", midnight),  # fed long ago: not to now
        "day": ("2026-03-01T00:00:00.000+01:00", midnight),
    }


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--day", "2026-03-01", "--week"], "--day and --week: one period at a time"),
        (["--night", "--since", "12:00"], "--night and --since: one period at a time"),
        (["--night", "2026-02-22"], "reaches back to the night to 2026-02-23, no further"),
        (["--night", "2199-01-01"], "that night has not come yet"),
        (["--night", "soon"], "want a date like 2026-03-01"),
        (["--since", "2026-02-21"], "reaches back to 2026-02-22, no further"),
        (["--since", "2199-01-01"], "that time has not come yet"),
        (["--since", "noon"], "want HH:MM, or a date or time like"),
        (["--level", "loud"], "is not one of"),
    ],
)
def test_a_wrong_period_is_a_wrong_usage_that_says_so(
    home: Path, options: list[str], says: str
) -> None:
    result = run("summary", "--store", home, *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr


def test_a_level_speaks_to_another_and_is_written_now(home: Path) -> None:
    """What the person was told is no text for a clinician."""
    plain = {"HEALTHSLM_MODEL_FOLDER": "none"}
    asked = run("summary", "--store", home, "--level", "carer", **plain)
    assert "written now" in asked.stderr and "Your" not in asked.stdout
    kept = run("summary", "--store", home, "--level", "plain", **plain)
    assert kept.stdout == "Your heart paused once.\n"
    configured = run("summary", "--store", home, HEALTHSLM_PERSON_LEVEL="clinician", **plain)
    assert "clinician" in configured.stderr


def test_why_shows_what_each_sentence_rests_on(home: Path) -> None:
    plain = {"HEALTHSLM_MODEL_FOLDER": "none"}
    shown = run("summary", "--store", home, "--again", "--why", **plain)
    assert shown.exit_code == 0 and max(map(len, shown.stdout.splitlines())) <= 80
    flat = " ".join(shown.stdout.split())
    assert "pause, red, chest/ecg-ii, 2026-03-01 13:00:00 to 13:00:03 CET: RR 3.40 s" in flat
    assert "tachycardia, amber, band/ppg, 2026-03-01 11:00:00 to 11:20:00 CET: highest" in flat
    asked = run("summary", "--store", home, "--again", "--why", "--json", **plain)
    data = document(asked, "summary")
    assert " ".join(row["sentence"] for row in data["why"]) == data["text"]
    (pause,) = (row for row in data["why"] if row["kind"] == "pause")
    assert [f["evidence"] for f in pause["findings"]] == [{"rr_s": 3.4}]
    assert document(run("summary", "--store", home, "--json", **plain), "summary")["why"] is None


def test_why_says_what_of_a_kept_text_is_not_so_any_more(home: Path) -> None:
    """The words of this home's kept text are in no table of ours."""
    shown = run("summary", "--store", home, "--why")
    assert "Your heart paused once." in shown.stdout
    assert "what is stored does not give this sentence (any more)" in shown.stdout


def test_a_failed_model_is_seen_by_the_operator(tmp_path: Path) -> None:
    """In status and in the list, with its reason; under the text that the person was told."""
    (tmp_path / "healthslm.toml").write_text(default_toml())
    vault.create(tmp_path / "store", WORDS, now_s=NOON, profile=vault.PROFILES["cheapest"])
    span = NOON - 43_200, NOON + 1800
    told = [
        *(Vital("heart_rate", "chest/ecg-ii", NOON - 30 + 10 * n, 75.0 + n % 2) for n in range(6)),
        Summary(*span, "en", "A text.", "template"),
        Finding("summary_by_template", "board/model", *span, "info", (("reason", 4.0),)),
    ]
    counts = {"taken": 3, "summary": 2, "by template": 1, "no summary": 1}
    state = ledger.State(ingest.Intake().snapshot(), b"", counts, NOON + 1800, 0.0)
    with vault.Store.open(tmp_path / "store") as store:
        store.commit([], told, ledger.write(state), now_s=NOON)
    data = document(run("status", "--store", tmp_path, "--json"), "status")
    assert data["texts"]["written"] == 2 and data["texts"]["by_template"] == 1
    assert [row["reason"] for row in data["texts"]["recent"]] == ["hash"]
    assert data["refused"] == {}
    flat = " ".join(run("status", "--store", tmp_path).stdout.split())
    assert "1 by the template where a model should, 1 that could not be written" in flat
    assert "a file of the model is not the one that was sealed" in flat
    assert "summary by template" in run("review", "list", "--store", tmp_path).stdout
    text = run("summary", "--store", tmp_path)
    assert text.stdout == "A text.\n"
    assert "a file of the model is not the one that was sealed" in text.stderr


def test_status_says_that_no_model_is_wanted(home: Path) -> None:
    data = document(
        run("status", "--store", home, "--json", HEALTHSLM_MODEL_FOLDER="none"), "status"
    )
    assert (data["model"]["name"], data["model"]["ok"]) == ("none", False)
    assert data["model"]["reason"] == "the configuration names no model"


def model_of(folder: Path) -> Path:
    """Make a folder that looks like a model, with true hashes."""
    import hashlib

    folder.mkdir()
    files = {"model.onnx": b"weights", "tokenizer.json": b"{}"}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    manifest = {"form": 1, "name": "tiny", "files": hashes, "figures": {"claim_errors": 0}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_a_model_is_checked_against_its_hashes(tmp_path: Path) -> None:
    folder = model_of(tmp_path / "model")
    whole = run("model", "check", "--model", folder)
    assert whole.exit_code == 0 and whole.stdout.splitlines()[0] == "ok       model.onnx"
    (folder / "model.onnx").write_bytes(b"weightz")
    (folder / "tokenizer.json").unlink()
    broken = run("model", "check", "--model", folder, "--json")
    data = document(broken, "model")
    assert broken.exit_code == 1 and "model.onnx is altered" in broken.stderr
    assert data["files"] == {"model.onnx": "altered", "tokenizer.json": "missing"}


def test_a_models_figures_are_those_of_its_manifest(tmp_path: Path) -> None:
    folder = model_of(tmp_path / "model")
    result = run("model", "--model", folder)
    assert result.exit_code == 0 and "figures.claim_errors  0" in result.stdout
    (folder / "manifest.json").write_text("[]")
    assert run("model", "--model", folder).exit_code == 1


# ---- simulate, replay, bench ------------------------------------------------------------


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Simulate a quarter of an hour of nobody."""
    folder = tmp_path_factory.mktemp("recordings") / "quarter"
    result = run("simulate", "--seed", 3, "--hours", 0.25, "--out", folder)
    assert result.exit_code == 0, result.output
    return folder


def test_a_seed_makes_the_same_recording_again(recording: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    result = run("simulate", "--seed", 3, "--hours", 0.25, "--out", again, "--json")
    data = document(result, "simulate")
    assert data["seed"] == 3 and {t["stream"] for t in data["tracks"]} >= {"band/heart_rate"}
    files = sorted(p.name for p in recording.iterdir())
    assert files == sorted(p.name for p in again.iterdir())
    assert all((recording / f).read_bytes() == (again / f).read_bytes() for f in files)


@pytest.mark.parametrize("name", SCENES)
def test_every_sample_is_made_again_by_the_command_it_names(name: str, tmp_path: Path) -> None:
    sample = Path(__file__).parents[1] / "sample_data" / name
    command = f"healthslm simulate --scene {name} --out {name}"
    assert f"    {command}\n" in (sample / "SOURCE.md").read_text()
    result = run("simulate", "--scene", name, "--out", tmp_path / name)
    assert result.exit_code == 0, result.output
    files = sorted(p.name for p in sample.iterdir())
    assert sorted(p.name for p in (tmp_path / name).iterdir()) == files
    assert (tmp_path / name / "SOURCE.md").read_text() == (sample / "SOURCE.md").read_text()
    again, kept = load(tmp_path / name), load(sample)
    for a, b in zip(again.tracks, kept.tracks, strict=True):
        # another machine may round a sample the other way
        assert np.abs(a.samples.astype(int) - b.samples).max() <= 1


def test_a_scene_is_one_that_there_is_and_stands_as_it_is(tmp_path: Path) -> None:
    unknown = run("simulate", "--scene", "heaven", "--out", tmp_path / "x")
    assert unknown.exit_code == 2 and "there are quiet-hour, rhythm-change" in unknown.stderr
    mixed = run("simulate", "--scene", "fever", "--seed", 3, "--out", tmp_path / "x")
    assert mixed.exit_code == 2 and "leave out --seed" in mixed.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_recording_is_never_written_over(recording: Path) -> None:
    result = run("simulate", "--out", recording)
    assert result.exit_code == 2 and "is not empty" in result.stderr


def test_a_time_that_is_none_is_refused(tmp_path: Path) -> None:
    result = run("simulate", "--out", tmp_path / "x", "--start", "noon")
    assert result.exit_code == 2 and "want ISO 8601" in result.stderr


def test_a_replay_says_what_it_found_and_what_it_took(recording: Path) -> None:
    result = run("replay", recording, "--watts", "3")
    assert result.exit_code == 0, result.output
    assert "band/heart_rate" in result.stdout and "median" in result.stdout
    assert re.search(r"a day of it: [\d,]+ m?s of CPU, \S+ J at 3 W", result.stderr)
    assert "\x1b" not in result.output and "\r" not in result.output
    data = document(run("replay", recording, "--json"), "replay")
    assert data["day_cpu_ms"] == pytest.approx(96 * data["cpu_ms"], rel=0.01)
    assert 0 < data["cpu_ms"] < 300  # what loads once is no part of it: 600 ms
    assert any(v["kind"] == "heart_rate" for v in data["vitals"])


def test_what_is_replayed_to_a_broker_is_in_the_store(recording: Path, tmp_path: Path) -> None:
    """The daemon as a person starts it, a recording as a sensor sends it, and SIGTERM."""
    with Broker("auto", tmp_path / "broker") as broker:
        (tmp_path / "healthslm.toml").write_text(default_toml(url=broker.url))
        vault.create(tmp_path / "store", WORDS, now_s=NOON, profile=vault.PROFILES["cheapest"])
        command = [
            sys.executable,
            "-m",
            "healthslm",
            "run",
            "--config",
            tmp_path / "healthslm.toml",
        ]
        daemon = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            result = run("replay", recording, "--to", broker.url)
        finally:
            daemon.terminate()
            _, log = daemon.communicate(timeout=20)
    assert result.exit_code == 0, result.output
    sent, stored = map(int, re.findall(r"(\d+) (?:frames sent|stored)", result.stdout))
    assert daemon.returncode == 0 and sent == stored > 10
    data = document(run("status", "--store", tmp_path, "--json"), "status")
    assert data["frames"] == sent and data["refused"] == {}
    assert "heart_rate" not in log and "stopped" in log


def test_a_real_ecg_gives_beats_and_findings(data_dir: Path) -> None:
    result = run("replay", data_dir / "mitdb" / "dev" / "208.hea", "--json")
    data = document(result, "replay")
    assert data["dated"] is False and data["beats"] == pytest.approx(2955, rel=0.03)
    assert data["findings"]


def test_bench_writes_its_figures_in_the_agreed_form(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    result = run("bench", "pipeline", "--json", file, "--check")
    assert result.exit_code == 0, result.output
    data = json.loads(file.read_text())
    (figures,) = data["results"]
    assert set(figures) == {"task", "dataset", "split", "metrics", "goals", "holds", "peers"}
    assert figures["holds"] is True and figures["metrics"]["ecg_times_real_time"] >= 100
    assert data["versions"]["healthslm"] == healthslm.__version__


def test_a_missed_goal_is_named_and_fails_only_where_it_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    goals = {"times": (">=", 100.0)}
    slow = bench.Result("pipeline", "day", "24 h", {"times": 3.0, "mb": 9.0}, goals)
    monkeypatch.setitem(bench.TASKS, "pipeline", lambda: slow)
    told = run("bench", "pipeline")
    assert told.exit_code == 0 and ">= 100  missed" in told.stdout
    checked = run("bench", "pipeline", "--check", "--json", "-")
    assert checked.exit_code == 1 and "a goal is missed: pipeline.times." in checked.stderr
    assert json.loads(checked.stdout)["results"][0]["holds"] is False


@pytest.mark.parametrize(("value", "holds"), [(80, True), (80.1, False), (float("nan"), False)])
def test_a_goal_is_met_at_its_limit(value: float, holds: bool) -> None:
    assert bench.met(value, ("<=", 80)) is holds
    assert bench.met(-value, (">=", -80)) is holds


# ---- the rest ---------------------------------------------------------------------------


def test_days_are_the_persons_and_may_have_25_hours() -> None:
    day = day_of(NOON + 43_200, "Europe/Madrid")
    assert day.isoformat() == "2026-03-02"  # 00:00 UTC is 01:00 of the next day
    autumn = day_of(1_792_922_400.0, "Europe/Madrid")
    assert np.diff(bounds(autumn, "Europe/Madrid")) == 25 * 3600


def test_sizes_and_costs_are_read_at_a_glance() -> None:
    assert [console.size(n) for n in (0, 999, 1000, 1_234_567, 5e12)] == [
        "0 bytes",
        "999 bytes",
        "1.0 kB",
        "1.2 MB",
        "5000.0 GB",
    ]
    assert console.cost(0.812, 4.0) == "812 ms of CPU, 3.2 J at 4 W"
    assert console.cost(38.116, 5.0) == "38 s of CPU, 191 J at 5 W"
    assert console.count(1, "summary", "summaries") == "1 summary"
    assert console.count(1234, "frame") == "1,234 frames"


# ---- validate ---------------------------------------------------------------------------


def test_validate_counts_beats_for_people_and_for_machines(data_dir: Path) -> None:
    record = data_dir / "mitdb" / "dev" / "101.hea"
    shown = run("validate", "qrs", record)
    head, row, gross, average = shown.stdout.splitlines()
    assert head.split()[:4] == ["record", "TP", "FP", "FN"] and row.split()[0] == "101"
    assert gross.split()[1:4] == row.split()[1:4] and average.split()[1:4] == ["-", "-", "-"]
    data = document(run("validate", "qrs", record, "--json"), "validate")
    assert (data["task"], data["dataset"], len(data["records"])) == ("qrs", "mitdb/dev", 1)
    assert data["records"][0]["tp"] + data["records"][0]["fn"] == 1523
    assert set(data["gross"]) >= {"se", "ppv", "f1"} <= set(data["average"])


def test_validate_says_what_it_left_out_and_why(data_dir: Path) -> None:
    paced = data_dir / "mitdb" / "dev" / "102.hea"
    result = run("validate", "ventricular", paced)
    assert result.stdout == "No recording that counts.\n"
    assert "left out, as EC57 does with paced beats: 102" in result.stderr
    assert document(run("validate", "ventricular", paced, "--json"), "validate")["gross"] == {}


def test_validate_refuses_a_folder_without_recordings(tmp_path: Path) -> None:
    result = run("validate", "qrs", tmp_path)
    assert result.exit_code == 1 and "no WFDB header (*.hea) in this folder" in result.stderr


def test_no_command_leaves_a_core_file():
    """It would hold what was read, and the keys that opened it."""
    program = (
        "import resource; from healthslm.cli import main\n"
        "try: main(['status', '--store', '/nowhere'])\n"
        "except SystemExit: print(resource.getrlimit(resource.RLIMIT_CORE))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "(0, 0)\n"
