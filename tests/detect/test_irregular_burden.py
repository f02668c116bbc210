"""How much of a day was irregular."""

from math import isnan

import numpy as np
import pytest

from healthslm.detect.irregular_burden import DAY_S, DETECTOR, af_burden
from healthslm.detect.irregular_rhythm import DETECTOR as RHYTHM
from healthslm.records import Beat

MIDNIGHT = 1_700_006_400.0  # a UTC day begins
assert MIDNIGHT % DAY_S == 0


def beats(rr_s, t0_s: float, *, first: float | None = None, bad=()) -> list[Beat]:
    """Return beats with these intervals, the first at t0_s."""
    times = t0_s + np.concatenate(([0.0], np.cumsum(rr_s)))
    intervals = [first, *map(float, rr_s)]
    return [
        Beat("beat", "chest/ecg", float(t), rr, i not in bad)
        for i, (t, rr) in enumerate(zip(times, intervals, strict=True))
    ]


def irregular(n: int, seed: int = 1) -> np.ndarray:
    return np.clip(np.random.default_rng(seed).normal(0.75, 0.15, n), 0.3, 1.8)


def regular(n: int, seed: int = 2) -> np.ndarray:
    return 0.8 + 0.01 * np.random.default_rng(seed).standard_normal(n)


def later(day: int = 1) -> Beat:
    """Return the beat that ends the day."""
    return Beat("beat", "chest/ecg", MIDNIGHT + day * DAY_S + 60.0, None, good=True)


def test_the_worked_example() -> None:
    """29.9 s is no episode, 30 s is; the denominator is the time that could be analysed."""
    burden = af_burden([(0, 29.9), (100, 130), (1000, 4600), (7200, 9000)], 79_200)
    assert (burden.counted, burden.irregular_s, burden.longest_s) == (3, 5430, 3600)
    assert round(burden.pct, 4) == 6.8561


@pytest.mark.parametrize(("length_s", "counted"), [(29.99, 0), (30.0, 1), (30.01, 1)])
def test_thirty_seconds_are_an_episode(length_s, counted) -> None:
    assert af_burden([(1_700_000_000.0, 1_700_000_000.0 + length_s)], 3600).counted == counted


def test_nothing_of_nothing_is_not_known() -> None:
    assert isnan(af_burden([], 0.0).pct)
    assert af_burden([], 3600.0).pct == 0
    assert af_burden([], 3600.0).longest_s == 0


def test_a_day_without_irregular_time_is_not_told(told) -> None:
    assert told(DETECTOR, [*beats(regular(3000), MIDNIGHT + 100), later()]) == []


def test_a_day_is_told_when_the_next_begins(told) -> None:
    rr = np.concatenate((regular(1000), irregular(800), regular(700), irregular(400), regular(300)))
    items = beats(rr, MIDNIGHT + 100)
    assert told(DETECTOR, items) == []
    (finding,) = told(DETECTOR, [*items, later()])
    assert (finding.kind, finding.severity, finding.ongoing) == ("irregular_burden", "info", False)
    assert (finding.t0_s, finding.t1_s) == (items[0].t_s, items[-1].t_s)
    spans = {f.key: f for f in told(RHYTHM, [*items, later()])}.values()
    expected = af_burden([(f.t0_s, f.t1_s) for f in spans], float(rr.sum()))
    evidence = dict(finding.evidence)
    assert evidence["episodes"] == expected.counted == 2
    assert evidence["irregular_s"] == pytest.approx(expected.irregular_s)
    assert evidence["longest_s"] == pytest.approx(expected.longest_s)
    assert evidence["irregular_pct"] == pytest.approx(expected.pct)
    assert evidence["analysable_h"] == pytest.approx(rr.sum() / 3600)
    assert evidence["days"] == 1


def test_what_cannot_be_analysed_is_in_neither(told) -> None:
    """All of what could be read was irregular: 100 %, however much could not."""
    rr = irregular(2000)
    bad = {i for k in range(0, 2000, 200) for i in range(k, k + 20)}
    (finding,) = told(DETECTOR, [*beats(rr, MIDNIGHT + 100, bad=bad), later()])
    evidence = dict(finding.evidence)
    assert 90 < evidence["irregular_pct"] <= 100
    assert evidence["analysable_h"] < 0.92 * rr.sum() / 3600


def test_an_episode_over_midnight_counts_in_both_days(told) -> None:
    rr = irregular(4000)
    items = beats(rr, MIDNIGHT + DAY_S - 1000)
    end = np.concatenate((regular(200),))
    items += beats(end, items[-1].t_s + 0.8, first=0.8)
    first, second = (dict(f.evidence) for f in told(DETECTOR, [*items, later(2)]))
    assert first["episodes"] == second["episodes"] == 1
    assert first["irregular_s"] == pytest.approx(1000, abs=25)
    whole = dict(told(RHYTHM, [*items, later(2)])[-1].evidence)
    whole_s = 60 * whole["beats"] / whole["mean_bpm"]
    assert first["irregular_s"] + second["irregular_s"] == pytest.approx(whole_s, abs=2)
    assert second["longest_s"] == second["irregular_s"]
    assert (first["days"], second["days"]) == (1, 2)


def test_a_day_of_a_few_seconds_holds_no_more_than_these(told) -> None:
    """An episode that is told just after midnight began before it."""
    items = beats(irregular(90), MIDNIGHT + DAY_S - 50)
    items = [x for x in items if x.t_s < MIDNIGHT + DAY_S + 10]
    (finding,) = told(DETECTOR, [*items, later(2)])
    evidence = dict(finding.evidence)
    assert finding.t0_s >= MIDNIGHT + DAY_S
    assert evidence["irregular_s"] <= 3600 * evidence["analysable_h"] + 1e-6
    assert 95 < evidence["irregular_pct"] <= 100


def test_each_day_speaks_for_itself(told) -> None:
    items = []
    for day in range(5):
        items += beats(irregular(300 if day % 2 else 600), MIDNIGHT + day * DAY_S + 5000)
    found = told(DETECTOR, [*items, later(5)])
    assert [dict(f.evidence)["days"] for f in found] == [1, 2, 3, 4, 5]
    assert len({f.key for f in found}) == 5
    seconds = [dict(f.evidence)["irregular_s"] for f in found]
    assert seconds[0] == pytest.approx(450, abs=20)
    assert seconds[1] == pytest.approx(225, abs=20)
