"""Streams that fall silent."""

import numpy as np
import pytest

from healthslm.detect.no_data import DETECTOR
from healthslm.records import Chunk, Tick

HOUR_S = 3600.0


def samples(t_s: float, *values: float, kind: str = "spo2") -> Chunk:
    """Return samples once a minute."""
    return Chunk(f"wrist/{kind}", kind, t_s, 1 / 60, 0, np.array(values))


@pytest.mark.parametrize(("silent_s", "n"), [(7199.0, 0), (7200.0, 1), (9000.0, 1)])
def test_two_hours_of_silence_are_told(told, silent_s, n) -> None:
    findings = told(DETECTOR, [samples(60, 97, 98), Tick(120 + silent_s)])
    assert [f.ongoing for f in findings] == [True] * n
    if n:
        assert (findings[0].t0_s, findings[0].severity) == (120, "info")
        assert findings[0].evidence == (("silent_s", silent_s),)


def test_it_ends_when_data_returns(told) -> None:
    ticks = [Tick(60.0 * i) for i in range(300)]
    first, last = told(DETECTOR, [samples(0, 97), *ticks, samples(4 * HOUR_S, 98)])
    assert first.key == last.key
    assert (first.ongoing, last.ongoing) == (True, False)
    assert (last.t1_s, dict(last.evidence)["silent_s"]) == (4 * HOUR_S, 4 * HOUR_S)


def test_it_is_told_once_for_one_silence(told) -> None:
    ticks = [Tick(60.0 * i) for i in range(1000)]
    assert len(told(DETECTOR, [samples(0, 97), *ticks])) == 1


def test_without_ticks_it_is_told_when_data_returns(told) -> None:
    findings = told(DETECTOR, [samples(0, 97), samples(7200, 98)])
    assert [f.ongoing for f in findings] == [False]
    assert told(DETECTOR, [samples(0, 97), samples(7199, 98)]) == []


def test_samples_that_say_no_reading_are_silence(told) -> None:
    worn_off = [samples(60.0 * i, float("nan")) for i in range(1, 130)]
    assert len(told(DETECTOR, [samples(0, 97), *worn_off, Tick(7200)])) == 1


def test_the_first_and_the_last_readable_sample_count(told) -> None:
    nan = float("nan")
    first = samples(0, 97, nan, nan)
    findings = told(DETECTOR, [first, samples(7080, nan, nan, 98)])
    assert [(f.t0_s, f.t1_s) for f in findings] == [(0, 7200)]


def test_a_stream_that_was_never_there_is_not_missed(told) -> None:
    assert told(DETECTOR, [Tick(60.0 * i) for i in range(1000)]) == []
