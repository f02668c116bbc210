"""Long intervals between beats, on both sides of each limit."""

from collections.abc import Collection

import pytest

from healthslm.detect.pause import DETECTOR
from healthslm.records import Beat, Label

T0 = 1_700_000_000.0


def beats(
    *intervals: float | None, bad: tuple[int, ...] = (), unseen: Collection[int] = ()
) -> list[Beat]:
    """Return beats, the first at T0; None is a gap of ten seconds. Unseen ones have no class."""
    out, t_s = [Beat("beat", "chest/ecg", T0, None, 0 not in bad, "" if 0 in unseen else "N")], T0
    for i, rr_s in enumerate(intervals, 1):
        t_s += 10.0 if rr_s is None else rr_s
        label: Label = "" if i in unseen else "N"
        out.append(Beat("beat", "chest/ecg", t_s, rr_s, i not in bad, label))
    return out


@pytest.mark.parametrize(
    ("rr_s", "severity"), [(1.999, None), (2.0, "info"), (2.999, "info"), (3.0, "amber")]
)
def test_each_limit_is_inclusive(told, rr_s, severity) -> None:
    findings = told(DETECTOR, beats(0.8, 0.8, rr_s, 0.8))
    assert [f.severity for f in findings] == ([severity] if severity else [])


def test_it_says_when_and_how_long(told) -> None:
    (finding,) = told(DETECTOR, beats(0.8, 2.5, 0.8))
    assert (finding.t0_s, finding.t1_s) == (T0 + 0.8, T0 + 0.8 + 2.5)
    assert finding.evidence == (("rr_s", 2.5),)
    assert not finding.ongoing


@pytest.mark.parametrize("bad", [1, 2])
def test_both_beats_must_be_good(told, bad) -> None:
    assert told(DETECTOR, beats(0.8, 3.5, 0.8, bad=(bad,))) == []


def test_a_gap_is_no_pause(told) -> None:
    assert told(DETECTOR, beats(0.8, None, 0.8)) == []


def test_a_very_slow_heart_is_one_finding_and_not_a_flood(told) -> None:
    findings = told(DETECTOR, beats(0.8, *[2.1] * 500, 0.8, 0.8))
    assert len(findings) == 1


def test_a_longer_pause_in_a_row_replaces_the_one_before(told) -> None:
    first, second = told(DETECTOR, beats(0.8, 2.2, 3.1, 2.5, 0.8))
    assert first.key == second.key
    assert second.severity == "amber"
    assert dict(second.evidence) == {"rr_s": 3.1}


def test_pauses_with_beats_between_are_told_each(told) -> None:
    assert len({f.key for f in told(DETECTOR, beats(2.2, 0.8, 2.2, 0.8, 2.2, 0.8))}) == 3


@pytest.mark.parametrize(
    ("unseen", "severity"), [((), "amber"), ((2,), "info"), ((3,), "info"), (range(5), "info")]
)
def test_intervals_alone_are_reported_and_never_amber(told, unseen, severity) -> None:
    """Nobody looked at the signal: a strap may have missed the beats between."""
    (finding,) = told(DETECTOR, beats(0.8, 0.8, 3.5, 0.8, unseen=unseen))
    assert finding.severity == severity


def test_a_longer_interval_alone_makes_an_amber_pause_no_milder(told) -> None:
    first, second = told(DETECTOR, beats(0.8, 3.2, 3.5, 0.8, unseen=(3,)))
    assert first.key == second.key
    assert (first.severity, second.severity) == ("amber", "amber")


def test_the_class_of_the_newest_beat_counts_in_a_row_of_pauses(told) -> None:
    found = told(DETECTOR, beats(0.8, 2.5, 2.2, 3.5, 0.8, unseen=(3,)))
    assert found[-1].severity == "info"
