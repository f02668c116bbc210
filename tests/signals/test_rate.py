"""Heart rate of every ten seconds."""

import pytest

from healthslm.records import Beat
from healthslm.signals.rate import SIGNAL

T0 = 1_700_000_000.0


def rates(beats: list[Beat]) -> list[tuple[float, float]]:
    """Return (time since T0, rate)."""
    state, out = SIGNAL.start(), []
    for x in beats:
        state, vitals = SIGNAL.step(state, x)
        out += vitals
    assert {v.kind for v in out} <= {"heart_rate"}
    return [(v.t_s - T0, v.value) for v in out]


def beats(rr_s, t_s: float = T0, kind: str = "beat", bad=()) -> list[Beat]:
    """Return beats at T0 and after each interval."""
    out = [Beat(kind, "chest/ecg", t_s, None, good=True)]
    for i, rr in enumerate(rr_s, 1):
        t_s += rr
        out.append(Beat(kind, "chest/ecg", t_s, rr, i not in bad))
    return out


@pytest.mark.parametrize("kind", ["beat", "pulse"])
def test_every_block_has_one_rate_at_its_end(kind: str) -> None:
    out = rates(beats([0.75] * 60, kind=kind))
    assert [t_s for t_s, _ in out] == [10, 20, 30, 40]
    assert [bpm for _, bpm in out] == pytest.approx([80] * 4)


def test_the_shortest_and_the_longest_of_five_do_not_count() -> None:
    (_, bpm), *_ = rates(beats([0.8] * 6 + [0.3, 1.3] + [0.8] * 12))
    assert bpm == pytest.approx(75)
    (_, bpm), *_ = rates(beats([2.0, 2.0, 2.0, 3.9, 2.0, 2.0]))
    assert bpm == pytest.approx(60 * 4 / 9.9)


def test_a_bigeminy_has_the_rate_of_all_its_beats() -> None:
    out = rates(beats([0.5, 1.0] * 40))
    assert [bpm for _, bpm in out] == pytest.approx([80] * len(out), abs=3)


def test_a_bad_beat_spoils_both_its_intervals() -> None:
    out = rates(beats([0.8] * 4 + [0.1, 1.5] * 2 + [0.8] * 20, bad=(5, 7)))
    assert out[0][1] == pytest.approx(75)


@pytest.mark.parametrize(("good", "n"), [(4, 0), (5, 1)])
def test_less_than_half_a_block_of_good_intervals_tells_nothing(good: int, n: int) -> None:
    bad = range(good + 1, 10)
    assert len(rates(beats([1.0] * 9 + [1.5], bad=bad))) == n


def test_a_block_is_told_when_the_next_beat_comes_however_late() -> None:
    first = beats([0.8] * 11)
    assert rates(first) == []
    late = Beat("beat", "chest/ecg", T0 + 5000, None, good=True)
    assert rates([*first, late]) == [(10, pytest.approx(75))]


def test_an_interval_that_was_not_measured_does_not_count() -> None:
    first = beats([0.8] * 7)
    second = beats([0.8] * 9, first[-1].t_s + 3)
    assert rates(first + second)[0][1] == pytest.approx(75)
