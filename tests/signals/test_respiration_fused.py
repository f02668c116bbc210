"""What an ECG and a PPG agree on."""

from dataclasses import replace

import numpy as np
import pytest

from healthslm.pipeline import Pipeline
from healthslm.records import Chunk, Tick, Vital
from healthslm.signals import respiration_beats, respiration_fused, respiration_pulse

T0 = 1_700_000_000.0
FS = 125.0
ECG, PPG = respiration_fused.SIGNAL, respiration_pulse.SIGNAL
View = tuple[str, float, float]  # stream, rate, quality
Seen = tuple[float, list[View]]  # time since T0


def told(stage, *windows: Seen) -> list[tuple[float, str, float]]:
    """Return (time, stream, rate) of all that is told, with an empty window at the end."""
    state, out = stage.start(), []
    for t_s, views in [*windows, (9999.0, [("x/other", 1.0, 0.0)])]:
        items = []
        for stream, per_min, quality in views:
            kind = f"breaths_{'ppg' if 'ppg' in stream else 'ecg'}"
            items.append(Vital(kind, stream, T0 + t_s, per_min))
            items.append(Vital(f"{kind}_quality", stream, T0 + t_s, quality))
        for x in sorted(items, key=lambda x: (x.kind, x.stream)):
            state, new = stage.step(state, x)
            out += new
    assert {v.kind for v in out} <= {"respiratory_rate"}
    return [(v.t_s - T0, v.stream, v.value) for v in out]


def both(ecg: tuple[float, float], ppg: tuple[float, float], t_s: float = 20.0) -> Seen:
    return (t_s, [("chest/ecg", *ecg), ("wrist/ppg", *ppg)])


def test_two_that_agree_are_averaged_by_their_qualities() -> None:
    assert told(ECG, both((15, 0.6), (16, 0.2))) == [(20, "chest/ecg", pytest.approx(15.25))]


@pytest.mark.parametrize(("ppg", "n"), [(17.0, 1), (13.0, 1), (17.01, 0), (12.99, 0)])
def test_they_agree_up_to_two_breaths_a_minute(ppg: float, n: int) -> None:
    assert len(told(ECG, both((15, 0.6), (ppg, 0.6)))) == n


@pytest.mark.parametrize(("ppg", "n"), [(0.2, 1), (0.19, 0)])
def test_they_must_be_sure_enough_together(ppg: float, n: int) -> None:
    assert len(told(ECG, both((15, 0.4), (15, ppg)))) == n


@pytest.mark.parametrize(("sure", "n"), [(0.7, 1), (0.69, 0)])
def test_one_alone_must_be_surer(sure: float, n: int) -> None:
    assert len(told(ECG, (20, [("chest/ecg", 15, sure)]))) == n
    assert len(told(PPG, (20, [("wrist/ppg", 15, sure)]))) == n
    assert len(told(ECG, both((15, sure), (30, 0.4)))) == n


def test_two_that_are_sure_and_disagree_are_both_refused() -> None:
    assert told(ECG, both((15, 0.9), (30, 0.75))) == []


def test_a_sure_pulse_speaks_for_a_doubtful_ecg() -> None:
    assert told(ECG, both((31, 0.3), (14, 0.8))) == [(20, "chest/ecg", 14)]


def test_of_two_pulses_the_surer_one_that_agrees_counts() -> None:
    window = (20, [("chest/ecg", 15, 0.5), ("a/ppg", 16, 0.5), ("b/ppg", 17, 0.2)])
    assert told(ECG, window) == [(20, "chest/ecg", 15.5)]
    window = (20, [("chest/ecg", 15, 0.5), ("a/ppg", 30, 0.9), ("b/ppg", 16, 0.5)])
    assert told(ECG, window) == [(20, "chest/ecg", 15.5)]


def test_each_window_stands_alone() -> None:
    windows = [both((15, 0.6), (15, 0.6), 20), (40, [("chest/ecg", 18, 0.5)])]
    windows += [(60, [("wrist/ppg", 18, 0.5)]), both((16, 0.6), (16, 0.6), 80)]
    assert told(ECG, *windows) == [(20, "chest/ecg", 15), (80, "chest/ecg", 16)]


def test_pulses_speak_only_where_no_ecg_does() -> None:
    assert told(PPG, both((15, 0.6), (15, 0.9))) == []
    assert told(PPG, both((30, 0.1), (15, 0.9))) == []
    assert told(PPG, (20, [("wrist/ppg", 15, 0.9)])) == [(20, "wrist/ppg", 15)]


def test_another_ecg_is_no_second_witness() -> None:
    """Two leads of one heart are disturbed alike."""
    window = (20, [("chest/ecg", 15, 0.4), ("chest/ecg-v5", 15, 0.4)])
    for stage in (ECG, PPG):
        assert told(stage, window) == []


def test_its_limits_can_be_set() -> None:
    assert told(replace(ECG, agree_per_min=4.0), both((15, 0.6), (18.9, 0.6))) != []


def test_in_the_pipeline_every_window_has_one_rate_however_the_streams_are_cut() -> None:
    """Beats of both sensors, breathing 18/min; told on the ECG, and on the PPG without it."""
    t_s = np.arange(18_750) / FS
    breath = 1 + 0.1 * np.sin(2 * np.pi * 18 / 60 * t_s)
    since_s = (t_s + 0.3) % 0.7 - 0.3  # 86/min
    tracks = {
        "ecg": breath * np.exp(-((since_s / 0.017) ** 2)),
        "ppg": breath * np.exp(-((since_s / 0.1) ** 2)),
    }
    stages = {
        "respiration_beats": respiration_beats.SIGNAL,
        "respiration_fused": ECG,
        "respiration_pulse": PPG,
    }

    def run(kinds: tuple[str, ...], size: int) -> list[Vital]:
        pipeline, out = Pipeline(stages, {}), []
        for at in range(0, 18_750, size):
            for kind in kinds:
                values = tracks[kind][at : at + size]
                out += pipeline.feed(Chunk(f"b/{kind}", kind, T0, FS, at, values))
        out += pipeline.feed(Tick(T0 + 600))
        return [v for v in out if v.kind == "respiratory_rate"]

    fused = run(("ecg", "ppg"), 125)
    assert fused == run(("ecg", "ppg"), 1777)
    assert [v.t_s - T0 for v in fused] == [40, 60, 80, 100]
    assert {v.stream for v in fused} == {"b/ecg"}
    assert [v.value for v in fused] == pytest.approx([18] * 4, abs=0.3)
    assert {v.stream for v in run(("ppg",), 125)} <= {"b/ppg"}
