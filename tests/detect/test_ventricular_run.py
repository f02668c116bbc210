"""Ventricular runs: three beats, five beats, thirty seconds, 100 a minute, from both sides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.detect.ventricular_run import DETECTOR
from healthslm.records import Beat
from healthslm.stage import freeze, thaw

T0 = 1_700_000_000.0


def beats(labels, rr_s=0.5, *, bad=(), gaps=(), before=0.4):
    """Return beats: `rr_s` between ventricular ones (one for all, or a list), 0.8 s else."""
    out, t_s, n = [], T0, 0
    for i, label in enumerate(labels):
        in_run = label == "V" and i > 0 and labels[i - 1] == "V"
        step = (rr_s[n] if isinstance(rr_s, list) else rr_s) if in_run else 0.8
        step = before if label == "V" and not in_run else step
        n += in_run
        t_s += 3.0 if i in gaps else step
        rr = None if i == 0 or i in gaps else step
        out.append(Beat("beat", "chest/ecg", t_s, rr, i not in bad, label))
    return out


def gravest(findings):
    return findings[-1].severity if findings else None


@pytest.mark.parametrize(
    ("count", "severity"), [(2, None), (3, "info"), (4, "info"), (5, "amber"), (6, "amber")]
)
def test_how_many_in_a_row(told, count, severity):
    findings = told(DETECTOR, beats("NN" + "V" * count + "N"))
    assert gravest(findings) == severity
    if severity:
        assert not findings[-1].ongoing
        assert dict(findings[-1].evidence)["beats"] == count


@pytest.mark.parametrize(("rr_s", "yes"), [(0.599, True), (0.6, False), (0.601, False)])
def test_faster_than_a_hundred_a_minute_and_not_as_fast(told, rr_s, yes):
    assert bool(told(DETECTOR, beats("NNVVVNN", rr_s))) == yes


@pytest.mark.parametrize(("last_s", "severity"), [(0.5, "amber"), (0.6, "red")])
def test_more_than_thirty_seconds_are_sustained(told, last_s, severity):
    intervals = [0.5] * 59 + [last_s]  # exactly 30.0 s, and 30.1 s
    findings = told(DETECTOR, beats("NN" + "V" * 61 + "N", intervals))
    assert gravest(findings) == severity
    assert dict(findings[-1].evidence)["length_s"] == pytest.approx(29.5 + last_s)


def test_each_grade_is_told_at_once_and_the_end_under_the_same_key(told):
    findings = told(DETECTOR, beats("NN" + "V" * 70 + "N"))
    assert [(f.severity, f.ongoing) for f in findings] == [
        ("info", True),
        ("amber", True),
        ("red", True),
        ("red", False),
    ]
    assert len({f.key for f in findings}) == 1
    first = beats("NN" + "V" * 70)[2]
    assert findings[-1].t0_s == first.t_s


def test_rate_and_length_are_of_the_intervals_in_the_run(told):
    (_, finding) = told(DETECTOR, beats("NNVVVN", [0.4, 0.5]))
    evidence = dict(finding.evidence)
    assert evidence["mean_bpm"] == pytest.approx(120 / 0.9)
    assert evidence["fastest_bpm"] == pytest.approx(150)
    assert evidence["length_s"] == pytest.approx(0.9)


def test_a_slow_beginning_is_no_part_of_it(told):
    findings = told(DETECTOR, beats("NVVVVN", [0.7, 0.5, 0.5]))
    assert dict(findings[-1].evidence)["beats"] == 3
    assert told(DETECTOR, beats("NVVVVN", [0.5, 0.7, 0.5])) == []


def test_one_slow_interval_does_not_split_a_run_that_is_fast(told):
    findings = told(DETECTOR, beats("NVVVVVVN", [0.4, 0.4, 0.65, 0.4, 0.4]))
    assert dict(findings[-1].evidence)["beats"] == 6


def test_a_run_that_grows_slow_is_over(told):
    findings = told(DETECTOR, beats("NVVVVVN", [0.5, 0.5, 1.2, 0.5]))
    assert [f.ongoing for f in findings] == [True, False]
    assert dict(findings[-1].evidence)["beats"] == 3


@pytest.mark.parametrize("broken", [{"bad": (4,)}, {"gaps": (4,)}])
def test_what_is_not_known_ends_a_run(told, broken):
    assert told(DETECTOR, beats("NNVVVVN", **broken)) == []
    assert told(DETECTOR, beats("NNVVQVVN")) == []


def test_poor_beats_alone_never_make_one(told):
    assert told(DETECTOR, beats("NN" + "V" * 80, bad=range(100))) == []


@given(st.text("NNSVVVQ", max_size=60), st.integers(0, 60))
def test_a_restart_changes_nothing_and_every_run_of_three_is_told_once(labels, at):
    state, plain, out, expected = DETECTOR.start(), DETECTOR.start(), [], []
    for i, beat in enumerate([*beats(labels), *beats("N")]):
        if i == at:
            state = thaw(DETECTOR, freeze(state))
        state, new = DETECTOR.step(state, beat)
        plain, same = DETECTOR.step(plain, beat)
        out += new
        expected += same
    assert out == expected
    lengths = [len(part) for part in "".join(x if x == "V" else " " for x in labels).split()]
    ended = [dict(f.evidence)["beats"] for f in out if not f.ongoing]
    assert ended == [n for n in lengths if n >= 3]
