"""What the benchmark of sizes sees: a leak that was planted, and none where there is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import streams
from benchmarks.reliability_tasks import cost, side_channel
from benchmarks.reliability_tasks.side_channel import auc
from healthslm import vault
from healthslm.config import Daemon
from healthslm.records import Summary

T0 = 1_700_000_000.0


@pytest.fixture(scope="module")
def commits() -> list[streams.Commit]:
    """Return what the daemon would commit of three minutes."""
    worn = streams.simulated(1, 3)
    return list(streams.commits(worn.recording, np.random.default_rng(1)))


def test_sizes_that_are_all_equal_tell_nothing_and_sizes_apart_tell_all():
    high = np.array([True, False] * 10)
    assert auc(np.ones(20), high) == 0.5
    assert auc(high * 3.0, high) == auc(high * -3.0, high) == 1.0


def test_no_area_without_both_labels():
    assert np.isnan(auc(np.arange(3.0), np.array([True] * 3)))


def test_frames_wait_for_one_another_as_long_as_the_daemon_lets_them(commits):
    gaps = np.diff([commit.at_s for commit in commits])
    assert all(gap >= Daemon().commit_s for gap in gaps[:-1])
    assert np.median(gaps) < 2 * Daemon().commit_s


def test_every_frame_is_committed_once(commits):
    frames = [(f.name, f.seq) for commit in commits for f in commit.frames]
    assert len(frames) == len(set(frames))
    ecg = [f for commit in commits for f in commit.frames if f.kind == "ecg"]
    assert sum(f.count for f in ecg) == 3 * 60 * 250


def test_a_finding_is_committed_at_once():
    worn = streams.simulated(1, 60)
    kept = [t for t in worn.recording.tracks if t.kind in ("spo2", "heart_rate")]
    slow = type(worn.recording)("slow", tuple(kept))
    made = list(streams.commits(slow, np.random.default_rng(1)))
    told = [i for i, commit in enumerate(made) if commit.told]
    assert told, "the dips were told"
    gaps = np.diff([commit.at_s for commit in made], prepend=T0)
    assert min(gaps[told]) < Daemon().commit_s


def test_the_observer_counts_rows_by_key_and_pages_without_a_key(tmp_path: Path):
    folder = tmp_path / "store"
    vault.create(folder, "of a test", now_s=T0, profile=vault.PROFILES["cheapest"])
    long = Summary(T0, T0 + 1, "en", np.random.default_rng(1).bytes(3000).hex(), "template")
    with vault.Store.open(folder) as store:
        store.commit([], [], bytes(10), now_s=T0)  # the upkeep of a new hour is behind it
        look = side_channel.observer(folder / "vault.db")
        next(look)
        store.commit([], [long], bytes(10), now_s=T0)
        large = next(look)
        store.commit([], [Summary(T0, T0 + 1, "en", "", "template")], bytes(10), now_s=T0)
        small = next(look)
        nothing = next(look)
    assert large["first"] == 4 and small["first"] == 1
    assert large["rows"] >= 4 and large["pages"] > small["pages"] > 0
    assert (nothing["rows"], nothing["pages"]) == (0, 0)
    assert large["state"] == small["state"] == 8


def test_more_on_disk_is_more_written_and_more_than_nothing(tmp_path: Path, commits, monkeypatch):
    monkeypatch.setenv("HEALTHSLM_BENCH_DIR", str(tmp_path))
    monkeypatch.setattr(cost, "HOUR_S", 0.0)  # the first hour is not counted
    few, many = cost._stored(commits[:3]), cost._stored(commits[:12])
    assert 0 < few[0] < many[0]
