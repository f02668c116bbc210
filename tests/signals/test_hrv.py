"""Heart rate variability: exact on published vectors, refused where it would mislead.

The vectors are arithmetic on short series, as the Task Force 1996 defines the measures
(doi:10.1161/01.CIR.93.5.1043).
"""

import numpy as np
import pytest

from healthslm.records import Beat
from healthslm.signals.hrv import (
    SIGNAL,
    mean_hr_bpm,
    mean_nn_ms,
    nn50,
    pnn50_pct,
    rmssd_ms,
    sdnn_ms,
    sdsd_ms,
)

T0 = 1_700_000_100.0  # a block begins here
SERIES = [0.8, 0.81, 0.79, 0.85, 0.76, 0.805, 0.812, 0.798]


def test_the_measures_are_exact() -> None:
    assert sdnn_ms(SERIES) == pytest.approx(25.0567, abs=5e-5)
    assert rmssd_ms(SERIES) == pytest.approx(45.4658, abs=5e-5)
    assert pnn50_pct(SERIES) == pytest.approx(28.5714, abs=5e-5)
    assert sdsd_ms(SERIES) == pytest.approx(49.1078, abs=5e-5)
    assert sdnn_ms(SERIES, less=0) == pytest.approx(23.4384, abs=5e-5)
    assert mean_nn_ms(SERIES) == pytest.approx(803.125)
    assert mean_hr_bpm(SERIES) == pytest.approx(74.7082, abs=5e-5)
    assert nn50(SERIES) == 2


def test_fifty_milliseconds_are_not_more_than_fifty() -> None:
    at_limit, above = [0.8, 0.85] * 50, [0.8, 0.851] * 50
    assert (rmssd_ms(at_limit), pnn50_pct(at_limit)) == (pytest.approx(50.0), 0)
    assert (rmssd_ms(above), pnn50_pct(above)) == (pytest.approx(51.0), 100)
    assert sdnn_ms(at_limit) == pytest.approx(25.1259, abs=5e-5)
    assert sdnn_ms(above) == pytest.approx(25.6285, abs=5e-5)


def measured(rr_s, bad=(), gaps=(), t_s: float = T0 + 0.01, rest: int = 10) -> dict[str, float]:
    """Return the vitals of the first block; `gaps` are intervals that were not measured."""
    state, out = SIGNAL.start(), {}
    state, _ = SIGNAL.step(state, Beat("beat", "chest/ecg", t_s, None, good=True))
    for i, rr in enumerate([*rr_s, *[0.8] * rest]):
        t_s += rr
        beat = Beat("beat", "chest/ecg", t_s, None if i in gaps else rr, i not in bad)
        state, vitals = SIGNAL.step(state, beat)
        for v in vitals:
            if v.t_s == T0 + 300:
                out[v.kind] = v.value
    return out


def breathing(n: int = 374) -> np.ndarray:
    rng = np.random.default_rng(1)
    return 0.8 + 0.04 * np.sin(np.arange(n)) + 0.005 * rng.standard_normal(n)


def within(rr_s) -> list[float]:
    """Return the intervals that end within the first block."""
    return [rr for rr, t_s in zip(rr_s, 0.01 + np.cumsum(rr_s), strict=True) if t_s < 300]


def test_a_clean_block_gives_what_the_definitions_give() -> None:
    rr = [*breathing()]
    out = measured(rr)
    kept = within([*rr, *[0.8] * 10])
    assert out == {
        "rmssd": pytest.approx(rmssd_ms(kept), rel=1e-9),
        "sdnn": pytest.approx(sdnn_ms(kept), rel=1e-9),
    }


def test_an_ectopic_beat_changes_little() -> None:
    clean, ectopic = breathing(), breathing()
    ectopic[100:102] = 0.5, 1.1
    assert rmssd_ms(within(ectopic)) > 1.3 * rmssd_ms(within(clean))
    assert measured(ectopic)["rmssd"] == pytest.approx(measured(clean)["rmssd"], rel=0.02)


@pytest.mark.parametrize(("step", "dropped"), [(1.2, False), (1.2001, True)])
def test_a_change_of_more_than_a_fifth_is_dropped(step: float, dropped: bool) -> None:
    rr = np.full(374, 0.8)
    rr[200:] = 0.8 * step
    assert (measured(rr, rest=40)["rmssd"] == 0) is dropped


@pytest.mark.parametrize(("rr_s", "told"), [(0.3749, False), (0.375, True), (2.0, True), (2.01, 0)])
def test_intervals_out_of_range_are_dropped(rr_s: float, told: bool) -> None:
    n = int(299.9 / rr_s)
    out = measured(np.full(n, rr_s))
    assert bool(out) is bool(told)


def test_a_block_with_a_fifth_of_its_intervals_dropped_is_refused() -> None:
    """375 intervals of 0.8 s: a bad beat costs the two at its sides."""
    rr = np.full(374, 0.8)
    assert measured(rr, bad=range(0, 370, 10))
    assert measured(rr, bad=range(0, 370, 9)) == {}


def test_a_block_with_more_than_15_percent_missing_is_refused() -> None:
    rr = np.full(330, 0.8)
    rr[100] = 42.0
    assert measured(rr, gaps=(100,))
    rr[100] = 47.0
    assert measured(rr, gaps=(100,)) == {}


def test_no_difference_is_taken_across_what_was_dropped() -> None:
    rr = np.full(374, 0.8)
    rr[100:] = 0.9
    joined = rmssd_ms(within(rr))
    assert joined > 0
    assert measured(rr, bad=(100,), rest=40)["rmssd"] == pytest.approx(0, abs=1e-9)
    rr[100], rr[101:] = 1.0, 1.1  # 1.0 is dropped, a quarter more than 0.8; 1.1 is kept
    assert measured(rr, rest=40)["rmssd"] == pytest.approx(0, abs=1e-9)


def test_a_block_is_told_when_the_next_beat_comes_however_late() -> None:
    assert measured(np.full(374, 0.8), rest=0) == {}
    assert measured([*np.full(374, 0.8), 5000.0], rest=0)
