"""Bigeminy: three pairs and no fewer, told once while it comes and goes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.detect.bigeminy import DETECTOR
from healthslm.records import Beat
from healthslm.stage import freeze, thaw

T0 = 1_700_000_000.0


def beats(labels, *, bad=(), gaps=(), rr_s=0.7):
    out, t_s = [], T0
    for i, label in enumerate(labels):
        t_s += 5.0 if i in gaps else rr_s
        rr = None if i == 0 or i in gaps else rr_s
        out.append(Beat("beat", "chest/ecg", t_s, rr, i not in bad, label))
    return out


@pytest.mark.parametrize(
    ("labels", "pairs"),
    [
        ("NNVNVNN", None),
        ("NNVNVNV", None),
        ("NNVNVNVN", 3),
        ("NNVNVSVN", 3),
        ("VNVNVNVN", 4),
        ("NVNVVNVNN", None),
        ("NVNVNNVNVN", None),
        ("NVNNVNNVNN", None),
        ("NVVNVVNVVN", None),
    ],
)
def test_three_pairs_in_a_row(told, labels, pairs):
    findings = told(DETECTOR, [*beats(labels), *later(labels)])
    assert [f.ongoing for f in findings] == ([True, False] if pairs else [])
    if pairs:
        assert dict(findings[-1].evidence)["pairs"] == pairs


def later(labels, by_s=500.0):
    return [Beat("beat", "chest/ecg", T0 + 0.7 * len(labels) + by_s, None, good=True, label="N")]


def test_it_says_from_when_to_when(told):
    labels = "NNVNVNVNNN"
    at = [b.t_s for b in beats(labels)]
    (begin, end) = told(DETECTOR, [*beats(labels), *later(labels)])
    assert begin.key == end.key
    assert (end.t0_s, end.t1_s) == (at[2], at[7])
    assert dict(end.evidence)["length_s"] == at[7] - at[2]
    assert end.severity == "info"


@pytest.mark.parametrize("broken", [{"bad": (4,)}, {"bad": (5,)}, {"gaps": (4,)}, {"gaps": (5,)}])
def test_what_is_not_known_ends_the_pairs(told, broken):
    assert told(DETECTOR, beats("NNVNVNVN", **broken)) == []
    assert told(DETECTOR, beats("NNVNQNVN")) == []


@pytest.mark.parametrize(("between", "stretches"), [(79, 1), (80, 2)])
def test_stretches_within_a_minute_are_one(told, between, stretches):
    """From the end of the one to the third pair of the next: 0.7 s a beat."""
    labels = "VNVNVN" + "N" * between + "VNVNVN"
    findings = told(DETECTOR, [*beats(labels), *later(labels)])
    assert sum(f.ongoing for f in findings) == stretches
    assert sum(dict(f.evidence)["pairs"] for f in findings if not f.ongoing) == 6


@given(st.text("NNSVVQ", max_size=60), st.integers(0, 60))
def test_a_restart_changes_nothing_and_what_begins_ends(labels, at):
    state, plain, out, expected = DETECTOR.start(), DETECTOR.start(), [], []
    for i, beat in enumerate([*beats(labels), *later(labels)]):
        if i == at:
            state = thaw(DETECTOR, freeze(state))
        state, new = DETECTOR.step(state, beat)
        plain, same = DETECTOR.step(plain, beat)
        out += new
        expected += same
    assert out == expected
    simple = labels.replace("S", "N")
    assert bool(out) == ("VNVNVN" in simple)
    assert [f.ongoing for f in out] == [True, False] * (len(out) // 2)
