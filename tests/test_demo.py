"""What a newcomer sees first works, proves what it says, and says so when it does not hold."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from healthslm.broker import mosquitto
from healthslm.demo import Evidence, proofs
from healthslm.records import Finding, Frame, Summary, Vital

SAMPLES = np.random.default_rng(1).integers(-900, 900, 64).astype("<i2").tobytes()
FRAMES = [Frame("chest", "ecg", 1, 0, 0, 1_772_409_600.25, 250.0, "mV", 0.005, 0.0, SAMPLES)]
DERIVED = [
    Vital("spo2", "band/spo2", 1_772_409_610.5, 93.3),
    Finding("desaturation", "band/spo2", 1_772_409_620.5, 1_772_409_700.0, "red", ()),
    Summary(0.0, 1.0, "en", "Your oxygen was low. Please rest.", "template"),
]
WORDS = ["demo-person", "chest/ecg"]


def demo(*options: str, timeout_s: float = 240.0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "healthslm", "demo", *options]
    environment = {**os.environ, "COLUMNS": "80"}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=timeout_s, env=environment, check=False
    )


@pytest.mark.parametrize("broker", ["mosquitto", "amqtt"])
def test_a_simulated_day_goes_through_and_every_proof_holds(broker: str, tmp_path: Path) -> None:
    """The whole path over a real broker, with the daemon killed at noon."""
    if broker == "mosquitto" and mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    done = demo("--json", str(tmp_path / "proofs.json"), "--broker", broker)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads((tmp_path / "proofs.json").read_text())
    assert told["frames_sent"] == told["frames_acknowledged"] == told["frames_stored"] > 5000
    assert told["gaps"] == told["gaps_made"] > 0
    assert (told["plaintext_hits"], told["strangers"]) == (0, [])
    assert told["control_hits"] > 1000
    assert told["expected_found"] == told["expected"] >= 5
    assert told["unexpected"] == 0
    assert {s["lang"] for s in told["summaries"]} == {"en", "es"}
    assert 20 < told["daemon_rss_mb"] <= 140
    assert 20 < told["model_rss_mb"] <= 80
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "\x1b" not in done.stdout
    assert "✗" not in done.stdout


def test_ctrl_c_after_the_restart_leaves_no_daemon_behind(tmp_path: Path) -> None:
    """Its end is seen by the pipe: it stays open as long as anyone holds it."""
    sample = Path(__file__).parents[1] / "sample_data" / "fever"
    command = [sys.executable, "-m", "healthslm", "demo", "--recording", str(sample)]
    heard = partial(
        signal.signal, signal.SIGINT, signal.SIG_DFL
    )  # a shell's "&" lets it be ignored
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heard
    ) as process:
        assert process.stdout is not None
        while "started again" not in (line := process.stdout.readline()):
            assert line, process.communicate()
        process.send_signal(signal.SIGINT)  # to it alone, not to what it started
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said.splitlines()[-1] == "healthslm: stopped."


def test_where_the_proofs_cannot_be_written_is_said_at_once(tmp_path: Path) -> None:
    done = demo("--json", str(tmp_path / "none" / "proofs.json"), timeout_s=20)
    assert done.returncode == 1 and "no such file or directory" in done.stderr
    assert done.stdout == ""


def test_a_real_recording_goes_the_same_way(data_dir: Path, tmp_path: Path) -> None:
    """A record of the MIT-BIH Arrhythmia Database, up to the summary; the store is kept."""
    record = data_dir / "mitdb" / "dev" / "208.hea"
    kept = tmp_path / "kept"
    done = demo("--recording", str(record), "--keep", str(kept), "--json", str(tmp_path / "p.json"))
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads((tmp_path / "p.json").read_text())
    assert told["frames_sent"] == told["frames_stored"] == 362
    assert len(told["summaries"]) == 2
    listed = subprocess.run(
        [sys.executable, "-m", "healthslm", "review", "list", "--store", str(kept), "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(json.loads(listed.stdout)["findings"]) == len(told["findings"]) > 0


def test_the_search_finds_what_a_plain_database_holds(tmp_path: Path) -> None:
    """Each sort of needle is found in clear: zero hits in a store are no accident."""
    proofs.control(tmp_path, WORDS, FRAMES, DERIVED)
    hits = proofs.search(tmp_path, proofs.needles(WORDS, FRAMES, DERIVED))
    assert all(hits[sort] > 0 for sort in ("name", "sample", "value", "time", "text"))


@pytest.mark.parametrize("shift", range(8))
def test_a_needle_is_found_at_every_alignment(shift: int, tmp_path: Path) -> None:
    """Eight bytes at a time still means every byte."""
    for length in (5, 8, 9, 40):
        needle = bytes(range(65, 65 + length))
        (tmp_path / "file").write_bytes(b"\0" * shift + needle + b"\0" * 3)
        assert proofs.search(tmp_path, {"x": {needle, b"absent-needle"}}) == {"x": 1}


def test_a_needle_inside_base64_is_found(tmp_path: Path) -> None:
    """A name does not hide in an encoding."""
    import base64

    for lead in range(3):
        (tmp_path / "file").write_bytes(base64.b64encode(b"x" * lead + b"demo-person and more"))
        assert sum(proofs.search(tmp_path, proofs.needles(["demo-person"], [], [])).values()) == 1


GOOD = Evidence(
    frames_sent=9,
    frames_acknowledged=9,
    frames_stored=9,
    control_hits=1,
    summaries=[{"source": "template"}] * 2,
    expected=2,
    expected_found=2,
)


@pytest.mark.parametrize(
    "fault",
    [
        {"frames_acknowledged": 8},
        {"frames_stored": 8},
        {"frames_twice": 1},
        {"gaps": 1},
        {"plaintext_hits": 1},
        {"control_hits": 0},
        {"expected_found": 1},
        {"unexpected": 1},
        {"strangers": ["udp 8.8.8.8:53"]},
        {"summaries": []},
    ],
    ids=lambda fault: next(iter(fault)),
)
def test_one_fault_fails_one_proof(fault: dict[str, object]) -> None:
    """The demo cannot end well with any of these."""
    assert all(holds for holds, _, _ in GOOD.proofs())
    assert sum(not holds for holds, _, _ in replace(GOOD, **fault).proofs()) == 1
