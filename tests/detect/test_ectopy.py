"""Runs of ectopic beats and the burden of a day: exact counts, and what does not count."""

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.detect import supraventricular_ectopy, ventricular_ectopy
from healthslm.detect.ectopy import Runs, runs
from healthslm.records import Beat
from healthslm.stage import freeze, thaw

DAY_S = 86_400.0
T0 = 19_676 * DAY_S  # midnight UTC
DETECTORS = [
    pytest.param(ventricular_ectopy.DETECTOR, "V", id="ventricular"),
    pytest.param(supraventricular_ectopy.DETECTOR, "S", id="supraventricular"),
]
both = pytest.mark.parametrize(("detector", "of"), DETECTORS)


def beats(labels, t0_s=T0 + 100, rr_s=0.8, bad=()):
    return [
        Beat("beat", "chest/ecg", t0_s + i * rr_s, rr_s if i else None, i not in bad, label)
        for i, label in enumerate(labels)
    ]


def tomorrow(label="N"):
    return Beat("beat", "chest/ecg", T0 + DAY_S, None, good=True, label=label)


def test_the_runs_of_the_sheet():
    r = runs("NNVNNVVNNVVVNNVVVVVNNVVVVVVNVNVNVN")
    assert (r.isolated, r.couplets, r.short, r.long, r.ectopic) == (4, 1, 2, 1, 20)
    assert (r.beats, r.longest, round(r.pct, 3)) == (34, 6, 58.824)


@given(st.text("NSVQ", max_size=60))
def test_runs_are_what_grouping_gives(labels):
    lengths = [len(list(g)) for label, g in groupby(labels) if label == "V"]
    r = runs(labels)
    assert r.isolated == lengths.count(1)
    assert r.couplets == lengths.count(2)
    assert r.short == sum(3 <= n <= 5 for n in lengths)
    assert r.long == sum(n >= 6 for n in lengths)
    assert r.longest == max(lengths, default=0)
    assert r.ectopic == sum(lengths)
    assert r.beats == len(labels) - labels.count("Q")


def test_a_run_is_not_told_before_it_is_one():
    assert runs("VVQVV").short == 0
    assert runs([]).pct != runs([]).pct  # NaN: a share of nothing
    assert runs("SSS").ectopic == 0
    assert runs("SSS", of="S").short == 1
    assert Runs().with_beat(True).broken().with_beat(True).isolated == 2


@both
def test_a_day_is_told_with_the_first_beat_of_the_next(told, detector, of):
    day = beats("NNNN" + of + "NN" + of * 2 + "NN" + of * 4)
    (finding,) = told(detector, [*day, tomorrow()])
    evidence = dict(finding.evidence)
    assert told(detector, day) == []
    assert evidence["burden_pct"] == pytest.approx(100 * 7 / 15)
    assert (evidence["ectopic"], evidence["beats"], evidence["longest"]) == (7, 15, 4)
    assert (evidence["couplets"], evidence["runs"]) == (1, 1)
    assert evidence["analysed_h"] == pytest.approx(14 * 0.8 / 3600)
    assert (finding.t0_s, finding.t1_s) == (day[0].t_s, day[-1].t_s)
    assert (finding.severity, finding.ongoing) == ("info", False)


@both
@pytest.mark.parametrize(("normal", "expected"), [(99, 1), (100, 0)])
def test_from_one_in_a_hundred_on(told, detector, of, normal, expected):
    assert len(told(detector, [*beats("N" * normal + of), tomorrow()])) == expected


@both
def test_the_first_beat_of_a_day_is_its_own(told, detector, of):
    late = Beat("beat", "chest/ecg", T0 + DAY_S - 0.001, None, good=True, label=of)
    (finding,) = told(detector, [late, tomorrow(of)])
    assert dict(finding.evidence)["beats"] == 1


@both
def test_poor_beats_and_those_of_no_class_do_not_count_and_end_a_run(told, detector, of):
    day = beats(of * 5, bad=(2,)) + beats("Q" + of * 2 + "Q" + of, t0_s=T0 + 200)
    (finding,) = told(detector, [*day, tomorrow()])
    evidence = dict(finding.evidence)
    assert (evidence["beats"], evidence["ectopic"]) == (7, 7)
    assert (evidence["couplets"], evidence["runs"], evidence["longest"]) == (3, 0, 2)


@both
def test_a_gap_ends_a_run(told, detector, of):
    day = beats(of * 2) + beats(of * 2, t0_s=T0 + 900)
    (finding,) = told(detector, [*day, tomorrow()])
    assert dict(finding.evidence)["couplets"] == 2


@both
@given(labels=st.text("NSVQ", min_size=1, max_size=40), at=st.integers(0, 40))
def test_a_restart_in_the_middle_of_a_run_changes_nothing(detector, of, labels, at):
    state, out = detector.start(), []
    plain, expected = detector.start(), []
    for i, beat in enumerate([*beats(labels), tomorrow()]):
        if i == at:
            state = thaw(detector, freeze(state))
        state, new = detector.step(state, beat)
        plain, same = detector.step(plain, beat)
        out += new
        expected += same
    assert out == expected
    if of in labels:
        counts = runs(labels, of)
        assert dict(out[0].evidence)["ectopic"] == counts.ectopic
        assert dict(out[0].evidence)["runs"] == counts.short + counts.long


def test_the_other_kind_of_ectopy_is_not_counted(told):
    day = [*beats("NNSSSNN"), tomorrow()]
    assert told(ventricular_ectopy.DETECTOR, day) == []
    assert len(told(supraventricular_ectopy.DETECTOR, day)) == 1
