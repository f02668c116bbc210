"""Classes of beats in drawn leads: the person's own normal decides, not a population's."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from healthslm import validate
from healthslm.records import Beat, Chunk
from healthslm.signals.beat_class import BeatClasses
from healthslm.signals.beat_kinds import COUNT, FEATURES, VOTES, Gatherer, Kinds
from healthslm.signals.ecg import SIGNAL
from healthslm.signals.morphology import POINTS, SIDE, STEP_S
from healthslm.signals.qrs import QrsFinder
from healthslm.stage import freeze, thaw

FS = 360.0
# seconds after the peak, mV, width: of a narrow complex, a wide one, a bundle branch block
NORMAL = ((-0.16, 0.1, 0.025), (0, 1.0, 0.011), (0.028, -0.2, 0.01), (0.25, 0.25, 0.045))
WIDE = ((0, -1.3, 0.03), (0.075, 0.5, 0.03), (0.27, 0.45, 0.06))
BLOCK = ((-0.16, 0.1, 0.025), (-0.02, 0.7, 0.016), (0.025, 0.8, 0.018), (0.25, -0.25, 0.05))
FAT = ((0, 1.4, 0.036), (0.08, -0.7, 0.035), (0.28, -0.4, 0.06))
PACED = ((0, 1.4, 0.004), (0.11, -1.0, 0.04), (0.3, 0.4, 0.06))
WAVES = {"n": NORMAL, "s": NORMAL, "v": WIDE, "b": BLOCK, "f": FAT, "p": PACED}


def drawn(plan, fs=FS, noise=0.01, seed=0):
    """Draw (letter, seconds since the beat before) as mV; return it and the times of the beats."""
    rng = np.random.default_rng(seed)
    steps = [step * (1 + 0.01 * rng.standard_normal()) for _, step in plan]
    times = 1.0 + np.cumsum(steps)
    t = np.arange(round((times[-1] + 6) * fs)) / fs
    x = noise * rng.standard_normal(len(t)) + 0.1 * np.sin(2 * np.pi * 0.2 * t)
    for (letter, _), at in zip(plan, times, strict=True):
        near = slice(*np.searchsorted(t, (at - 0.4, at + 0.6)))
        for after, mv, width in WAVES[letter]:
            x[near] += mv * np.exp(-0.5 * ((t[near] - at - after) / width) ** 2)
    return x, times


def run(x, fs=FS, size=None, stage=SIGNAL, end=True):
    state, told = stage.start(), []
    size = size or len(x)
    for i in range(0, len(x), size):
        piece = Chunk("chest/ecg", "ecg", 0.0, fs, i, x[i : i + size])
        state, new = stage.step(thaw(stage, freeze(state)), piece)
        told += new
    if end:
        last = Chunk("chest/ecg", "ecg", 1.0, fs, len(x) + 400, np.array([np.nan]))
        _, new = stage.step(state, last)
        told += new
    return [b for b in told if isinstance(b, Beat)]


def labels(beats, times):
    """Return the label of the beat at each time, "-" where there is none."""
    at = np.array([b.t_s for b in beats])
    near = [int(np.abs(at - t).argmin()) for t in times]
    return "".join(
        beats[i].label if abs(at[i] - t) < 0.15 else "-" for i, t in zip(near, times, strict=True)
    )


def rhythm(*parts):
    """Return a plan of (text, seconds before each letter) repeated."""
    return [(letter, step) for text, step in parts for letter in text]


EARLY = [("n", 0.8)] * 12 + [("v", 0.5), ("n", 1.1)]
USUAL = EARLY * 8
WHOLE = -15  # the last block is not read to its end: its signal is poor


@pytest.fixture(scope="module")
def usual():
    return drawn(USUAL)


def expected(plan, as_of):
    return "".join(as_of[letter] for letter, _ in plan)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("fs", [125.0, 250.0, 360.0, 1000.0])
def test_wide_early_beats_are_ventricular_at_every_rate_and_either_way_up(fs, sign):
    x, times = drawn(USUAL, fs)
    got = labels(run(sign * x, fs), times)
    assert got[30:WHOLE] == expected(USUAL, {"n": "N", "v": "V"})[30:WHOLE]
    assert set(got[:30]) <= set("NVQ")


def test_until_ten_beats_are_known_nothing_is_told():
    x, times = drawn([("n", 1.2)] * 50)
    got = labels(run(x), times)
    assert got.rstrip("Q") == "Q" * 7 + "N" * len(got.strip("Q"))  # seven in the first block
    stage = replace(SIGNAL, classes=BeatClasses(least_beats=30))
    assert labels(run(x, stage=stage), times).startswith("Q" * 24 + "N")


@pytest.mark.parametrize("size", [97, 360, 3601])
def test_how_the_lead_is_cut_does_not_matter(usual, size):
    """Every beat comes out the same, also the last of a block, whose next is not told yet."""
    x, _ = usual
    assert run(x, size=size) == run(x)


def test_the_interval_after_a_block_s_last_beat_is_known_in_time():
    """A last beat's pause lies in the next block; without it this would be another feature."""
    seen: list[tuple[float, float]] = []

    class Listening(BeatClasses):
        def told(self, kinds, packed, t_s, rr_s, after_s, quality):
            if len(t_s):
                seen.append((float(t_s[-1]), after_s))
            return kinds, (("N", None),) * len(t_s)

    x, times = drawn([("n", 0.8)] * 60)
    for size in (360, len(x)):
        seen.clear()
        run(x, size=size, stage=replace(SIGNAL, classes=Listening()))
        for last, after_s in seen[:-1]:
            following = times[np.searchsorted(times, last + 0.1)]
            assert after_s == pytest.approx(following - last, abs=0.02)


def test_a_bundle_branch_block_is_the_person_s_normal():
    plan = rhythm(("b" * 120, 0.8))
    x, times = drawn(plan)
    assert set(labels(run(x), times)[20:]) == {"N"}


def test_ventricular_beats_show_beside_a_bundle_branch_block():
    plan = ([("b", 0.8)] * 10 + [("v", 0.5), ("b", 1.1)]) * 8
    x, times = drawn(plan)
    assert labels(run(x), times)[40:] == expected(plan, {"b": "N", "v": "V"})[40:]


def test_in_bigeminy_the_early_half_is_ventricular():
    plan = [("n", 0.8)] * 20 + [("v", 0.5), ("n", 1.1)] * 60
    x, times = drawn(plan)
    assert labels(run(x), times)[20:] == expected(plan, {"n": "N", "v": "V"})[20:]


def test_early_narrow_beats_are_supraventricular():
    plan = ([("n", 0.8)] * 12 + [("s", 0.5), ("n", 0.9)]) * 8
    x, times = drawn(plan)
    assert labels(run(x), times)[20:] == expected(plan, {"n": "N", "s": "S"})[20:]


def test_nothing_is_early_where_nothing_is_even():
    rng = np.random.default_rng(1)
    plan = [("n", step) for step in rng.uniform(0.5, 1.1, 150).tolist()]
    x, times = drawn(plan)
    assert set(labels(run(x), times)[20:]) == {"N"}


def test_a_fast_wide_run_is_ventricular_however_regular():
    plan = [("n", 0.8)] * 90 + [("v", 0.42)] * 25 + [("n", 1.0)] + [("n", 0.8)] * 40
    x, times = drawn(plan)
    got = labels(run(x), times)
    assert got[90:115].count("V") >= 24
    assert set(got[117:130]) == {"N"}


def test_paced_beats_are_said_not_to_be_known():
    plan = [("n", 0.8)] * 30 + [("p", 0.85)] * 40
    x, times = drawn(plan)
    got = labels(run(x), times)
    assert set(got[12:30]) == {"N"}
    assert set(got[40:]) == {"Q"}


def test_in_poor_signal_normal_is_not_told(usual):
    x, _ = usual
    rng = np.random.default_rng(0)
    beats = run(x + 0.5 * rng.standard_normal(len(x)))
    assert beats
    assert not any(b.label in "NS" and not b.good for b in beats)


@pytest.mark.parametrize(("silence_s", "known"), [(20, True), (90, False)])
def test_after_a_long_silence_it_learns_anew(silence_s, known):
    x, _ = drawn([("n", 0.8)] * 50)
    state, _ = SIGNAL.step(SIGNAL.start(), Chunk("chest/ecg", "ecg", 0.0, FS, 0, x))
    start = len(x) + round(silence_s * FS)
    state, _ = SIGNAL.step(state, Chunk("chest/ecg", "ecg", 0.0, FS, start, x[: round(16 * FS)]))
    assert (state.kinds.table[:, COUNT].max() > 40) == known


def test_classes_can_be_left_out_and_slow_leads_have_none(usual):
    x, _ = usual
    plain = run(x, stage=replace(SIGNAL, finder=QrsFinder()))
    assert {(b.label, b.qrs_s) for b in plain} == {("", None)}
    assert [b.t_s for b in plain] == [b.t_s for b in run(x)]
    slow = run(x[::5], FS / 5)
    assert {(b.label, b.qrs_s) for b in slow} == {("Q", None)}


def test_width_is_told_with_the_beat(usual):
    x, _ = usual
    beats = [b for b in run(x) if b.label in "NV"]
    narrow = np.median([b.qrs_s for b in beats if b.label == "N"])
    wide = np.median([b.qrs_s for b in beats if b.label == "V"])
    assert 0.04 <= narrow <= 0.1 < 0.12 <= wide <= 0.25


def test_beats_that_come_early_hardly_say_what_is_normal():
    t = (np.arange(POINTS) - SIDE) * STEP_S
    narrow, wide = np.exp(-0.5 * (t / 0.012) ** 2), -np.exp(-0.5 * (t / 0.04) ** 2)
    shapes = np.stack((wide, narrow, wide, narrow, wide))
    rr_s = np.array([0.5, 1.1, 0.5, 1.1, 0.5])
    kinds, rows = Gatherer().told(Kinds(), shapes, rr_s, 1.1, 1.0)
    assert kinds.table[:, COUNT].tolist()[:2] == [3, 2]
    assert kinds.table[:, VOTES].argmax() == 1  # of two kinds the one in time
    of = dict(zip(FEATURES, rows.T, strict=True))
    assert (of["unlike"] > 1).tolist() == [True, False, True, False, True]
    np.testing.assert_allclose(of["before"], rr_s / rr_s.mean())
    np.testing.assert_allclose(of["after"], np.array([1.1, 0.5, 1.1, 0.5, 1.1]) / rr_s.mean())
    np.testing.assert_allclose(of["before_last"][1:], of["before"][:-1])
    assert of["before_last"][0] == 1.0
    assert of["own_before"][0] == pytest.approx(0.5 / rr_s.mean())


def test_a_ninth_kind_takes_the_place_of_the_one_longest_unseen():
    rng = np.random.default_rng(0)
    shapes = rng.standard_normal((9, POINTS))
    kinds, _ = Gatherer().told(Kinds(), shapes[:8], np.full(8, 0.8), 0.8, 1.0)
    assert (kinds.table[:, COUNT] == 1).all()
    after, _ = Gatherer().told(kinds, shapes[8:], np.array([0.8]), 0.8, 1.0)
    np.testing.assert_array_equal(after.shapes[0], shapes[8])
    np.testing.assert_array_equal(after.shapes[1:], kinds.shapes[1:])


def test_intervals_that_are_not_known_say_nothing():
    shapes = np.ones((3, POINTS))
    _, rows = Gatherer().told(Kinds(), shapes, np.full(3, np.nan), np.nan, 1.0)
    assert np.isfinite(rows).all()
    of = dict(zip(FEATURES, rows.T, strict=True))
    assert (of["before"] == 1).all()
    assert (of["uneven"] == 0).all()


def test_the_beat_before_is_known_over_the_edge_of_a_block():
    shapes = np.ones((4, POINTS))
    kinds, _ = Gatherer().told(Kinds(), shapes, np.array([0.8, 0.8, 0.8, 0.5]), 0.8, 1.0)
    _, rows = Gatherer().told(kinds, shapes[:1], np.array([1.1]), 0.8, 1.0)
    mean_s = np.mean([0.8, 0.8, 0.8, 0.5, 1.1])
    assert rows[0, FEATURES.index("before_last")] == pytest.approx(0.5 / mean_s)


def test_a_kind_not_seen_for_two_hundred_beats_counts_half():
    t = (np.arange(POINTS) - SIDE) * STEP_S
    one, other = np.exp(-0.5 * (t / 0.012) ** 2), -np.exp(-0.5 * (t / 0.04) ** 2)
    kinds, _ = Gatherer().told(Kinds(), one[None], np.array([0.8]), 0.8, 0.8)
    later, _ = Gatherer().told(kinds, np.tile(other, (200, 1)), np.full(200, 0.8), 0.8, 0.8)
    assert later.table[0, VOTES] == pytest.approx(kinds.table[0, VOTES] / 2)


@pytest.mark.parametrize(("quality", "told"), [(0.49, "QQQ"), (0.5, "NNS")])
def test_a_normal_beat_is_told_in_good_signal_alone(quality, told):
    t = (np.arange(POINTS) - SIDE) * STEP_S
    shapes = np.tile(np.exp(-0.5 * (t / 0.012) ** 2), (23, 1))
    rr_s = np.array([0.8] * 22 + [0.5])
    kinds, rows = Gatherer().told(Kinds(), shapes, rr_s, 1.0, quality)
    assert "".join(BeatClasses().judged(kinds, rows[-3:], quality)) == told


def test_real_recordings_are_told_as_annotated(data_dir):
    """Two recordings that nothing hangs on: 119 has 364 ventricular beats, 109 a block and 32."""
    folder = Path(data_dir) / "mitdb" / "dev"
    paths = [p for name in ("109", "119") if (p := folder / f"{name}.hea").exists()]
    if len(paths) < 2:
        pytest.skip("not these recordings")
    frame = validate.ventricular(paths)
    assert (frame["ppv"] >= 95).all()
    assert (frame["se"] >= 75).all()
