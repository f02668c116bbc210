"""Replay: every folder of sample_data gives what its labels say, however it is played."""

import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import numpy as np
import pytest

from healthslm import config, replay, simulate
from healthslm.broker import Broker
from healthslm.daemon import Daemon
from healthslm.errors import RecordingError
from healthslm.link import Link
from healthslm.pipeline import Pipeline
from healthslm.recordings import Recording, Track, folder, frames, load
from healthslm.records import Alert, Finding, Gap, Vital

SAMPLES = sorted(p for p in (Path(__file__).parents[1] / "sample_data").iterdir() if p.is_dir())
every_sample = pytest.mark.parametrize("path", SAMPLES, ids=[p.name for p in SAMPLES])


def canonical(derived):
    """Return the records in an order that does not depend on how streams interleaved.

    Without alerts: when a person is told hangs on the clock of the day, not on the recording.
    """
    derived = [x for x in derived if not isinstance(x, Alert)]
    return sorted(derived, key=lambda x: (type(x).__name__, repr(x)))


@pytest.fixture(scope="module")
def golden():
    """Return what each sample leads to when it is played as it stands."""
    return {path: canonical(replay.direct(load(path))) for path in SAMPLES}


@every_sample
def test_a_sample_gives_its_expected_findings_and_no_other_alarm(path, golden):
    expected = folder.expected(path)
    found = replay.findings(golden[path])

    def meets(finding, wanted):
        return (
            finding.kind == wanted.kind
            and finding.t0_s <= wanted.t1_s + wanted.tolerance_s
            and finding.t1_s >= wanted.t0_s - wanted.tolerance_s
        )

    for wanted in expected:
        assert any(meets(finding, wanted) for finding in found), wanted.kind
    for finding in found:
        explained = any(meets(finding, wanted) for wanted in expected)
        assert explained or finding.severity == "info", finding.kind


@every_sample
def test_a_sample_in_which_nothing_is_wrong_gives_no_finding_at_all(path, golden):
    if not folder.expected(path):
        assert replay.findings(golden[path]) == []


@every_sample
@pytest.mark.parametrize("seed", [1, 2])
def test_random_cuts_change_nothing_bit_for_bit(path, seed, golden):
    assert canonical(replay.direct(load(path), cuts=Random(seed))) == golden[path]


@every_sample
@pytest.mark.parametrize("seed", [1, 2])
def test_random_restarts_change_nothing_bit_for_bit(path, seed, golden):
    recording, chance = load(path), Random(seed)
    restarts = chance.sample(range(sum(1 for _ in frames(recording))), 12)
    assert canonical(replay.direct(recording, restarts=restarts)) == golden[path]


def test_a_restart_before_every_frame_under_random_cuts_changes_nothing(golden):
    path = next(p for p in SAMPLES if p.name == "rates-and-pause")
    derived = replay.direct(load(path), cuts=Random(9), restarts=range(100_000))
    assert canonical(derived) == golden[path]


def test_lost_samples_become_a_gap_of_just_these(golden):
    path = next(p for p in SAMPLES if p.name == "artefact-and-gap")
    (lost,) = (e for e in load(path).events if e.kind == "lost")
    gaps = [x for x in golden[path] if isinstance(x, Gap) and x.t0_s == lost.t0_s]
    assert gaps == [Gap("chest/ecg", lost.t0_s, lost.t1_s, 15 * 250)]


def test_the_beats_of_the_samples_are_found(golden):
    """All but those whose neighbourhood a gap or an end cuts off."""
    for path in SAMPLES:
        recording = load(path)
        noise = [e for e in recording.events if e.kind == "poor_signal"]
        found = np.array([x.t_s for x in golden[path] if getattr(x, "kind", "") == "beat"])
        for track in (t for t in recording.tracks if t.lane == "chest/ecg"):
            at_s = track.epoch_s + recording.beats["chest/ecg"].samples / track.fs
            clear = (at_s > track.t0_s + 3) & (at_s < track.t1_s - 15)
            for e in noise:
                clear &= (at_s < e.t0_s - 3) | (at_s > e.t1_s + 3)
            assert all(np.abs(found - t_s).min() < 0.05 for t_s in at_s[clear])


def test_findings_are_the_last_word_on_each_oldest_first():
    told = Finding("fever", "band/temperature", 50.0, 60.0, "amber", (), ongoing=True)
    ended = replace(told, t1_s=90.0, ongoing=False)
    other = Finding("pause", "chest/ecg", 10.0, 13.0, "amber", ())
    assert replay.findings([told, Vital("spo2", "x", 1.0, 97.0), other, ended]) == [other, ended]


def test_a_pipeline_of_ones_own_can_be_played_through():
    recording = simulate.scene("desaturation-night")
    assert replay.direct(recording, pipeline=lambda: Pipeline({}, {})) == []


def test_a_recording_of_more_streams_than_one_person_wears_is_refused():
    samples = np.zeros(10, np.int16)
    tracks = tuple(
        Track(f"d{n}", "ecg", 1, 0, 1e9, 10.0, "mV", 0.01, 0.0, samples) for n in range(65)
    )
    assert replay.direct(Recording("x", tracks[:64]), pipeline=lambda: Pipeline({}, {})) == []
    with pytest.raises(RecordingError, match="lanes"):
        replay.direct(Recording("x", tracks), pipeline=lambda: Pipeline({}, {}))


@dataclass
class Store:
    """Takes what a daemon commits, and keeps it in memory."""

    frames: list = field(default_factory=list)
    records: list = field(default_factory=list)

    def state(self):
        return None

    def set_aside(self, reason, payload):
        raise AssertionError(reason)

    def commit(self, frames, derived, state, *, now_s):
        self.frames += frames
        self.records += derived


def live(recording, where, times=1, **how):
    """Publish a recording to a daemon at work; return what was sent last, and its store."""
    store = Store()
    settings = config.Daemon(clock="data", commit_s=0.02, commit_frames=32, summary_hour=-1)
    with Broker("auto", where) as broker:
        address = config.address(broker.url)
        link = Link(address, "healthslm-ada", ["healthslm/1/ada/#"], lasting=True)
        daemon = Daemon(config.Config(config.Person("ada"), daemon=settings), store, link)
        done = threading.Event()

        def work():
            while not done.is_set():
                daemon.turn()
            daemon.commit()

        worker = threading.Thread(target=work)
        worker.start()
        try:
            for _ in range(times):
                sent = replay.publish(recording, broker.url, "ada", **how)
                time.sleep(float(times > 1))  # another second, another start
        finally:
            done.set()
            worker.join()
            link.close()
    return sent, store


@pytest.mark.parametrize("name", ["desaturation-night", "artefact-and-gap"])
def test_over_a_broker_the_daemon_derives_the_same_bit_for_bit(name, tmp_path, golden):
    path = next(p for p in SAMPLES if p.name == name)
    told = []
    sent, store = live(load(path), tmp_path, told=told.append)
    count = sum(1 for _ in frames(load(path)))
    assert (sent.frames, sent.acknowledged) == (count, count)
    assert len(store.frames) == len(told) == count
    assert canonical(store.records) == golden[path]


def test_a_speed_paces_the_recording_by_its_own_time(tmp_path):
    samples = np.arange(1000, dtype=np.int16)
    track = Track("chest", "ecg", 1, 0, 1e9, 100.0, "mV", 0.01, 0.0, samples)
    sent, store = live(Recording("x", (track,)), tmp_path, speed=20.0, base_s=1.7e9)
    assert sent.seconds >= 10 / 20
    assert [f.t_s for f in store.frames] == [1.7e9, 1.7e9 + 5]


def test_a_real_record_is_played_whole(data_dir):
    recording = load(data_dir / "mitdb" / "dev" / "208.hea")
    derived = replay.direct(recording)
    beats = [x for x in derived if getattr(x, "kind", "") == "beat"]
    assert len(beats) == pytest.approx(2955, rel=0.02)
    assert canonical(replay.direct(recording, cuts=Random(3))) == canonical(derived)


def test_a_recording_played_now_counts_each_time_and_a_dated_one_once(tmp_path):
    recording = simulate.day(5, start_s=1_772_409_600.0, hours=0.1)
    sent, store = live(recording, tmp_path / "kept", times=2)
    assert len(store.frames) == sent.frames == sent.acknowledged
    base_s = time.time() - 360
    sent, store = live(recording, tmp_path / "anew", times=2, base_s=base_s)
    assert len(store.frames) == 2 * sent.frames == 2 * sent.acknowledged
