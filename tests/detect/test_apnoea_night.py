"""Nights with cycles of the heart rate: which minutes show them, and what is told of a night."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from math import exp, pi, sin

import numpy as np
import pytest

from healthslm.detect.apnoea_night import (
    AROUND,
    DETECTOR,
    Night,
    State,
    judged,
    unknown,
)
from healthslm.detect.cycles import FEATURES, FS, WINDOW, dips, features, smoothed
from healthslm.learnt import logistic
from healthslm.records import Beat, Vital
from healthslm.stage import freeze

T0 = 1_700_000_000.0 // 86_400 * 86_400 + 20 * 3600  # eight in the evening
HOUR_S = 3600.0


class Body:
    """Intervals between beats, seeded."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(1)
        self.n = 0

    def steady(self, t: float) -> float:
        self.n += 1
        return 1.0 + 0.03 * sin(2 * pi * 0.25 * t) + 0.01 * self.rng.standard_normal()

    def cyclic(self, t: float, period_s: float = 50.0) -> float:
        return self.steady(t) - 0.15 * exp(-(((t % period_s - period_s / 2) * 7 / period_s) ** 2))

    def fibrillating(self, t: float) -> float:
        return float(self.rng.uniform(0.4, 1.2))

    def bigeminal(self, t: float) -> float:
        return self.steady(t) * (0.6 if self.n % 2 else 1.4)

    def ectopic(self, t: float) -> float:
        return self.steady(t) * {0: 0.6, 1: 1.4}.get(self.n % 13, 1.0)

    def waves(self, t: float) -> float:
        return self.steady(t) + 0.04 * sin(2 * pi * 0.1 * t)


def beats(rr: Callable[[float], float], seconds: float, t0_s: float = T0) -> list[Beat]:
    out, t = list[Beat](), t0_s
    while t - t0_s < seconds:
        step = rr(t - t0_s)
        t += step
        out.append(Beat("beat", "chest/ecg", t, step, good=True))
    return out


def run(items, stage=DETECTOR):
    state, out = stage.start(), []
    for x in items:
        state, new = stage.step(state, x)
        out += new
    return state, out


@cache
def hour(kind: str) -> tuple[Beat, ...]:
    return tuple(beats(getattr(Body(), kind), 75 * 60))


# ---- minutes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("period_s", [30.0, 50.0, 80.0])
def test_cycles_are_seen_at_any_pace(period_s) -> None:
    body = Body()
    state, _ = run(beats(lambda t: body.cyclic(t, period_s), 2400))
    assert state.seen.analysed >= 29
    assert state.seen.cyclical >= 0.9 * state.seen.analysed


@pytest.mark.parametrize("kind", ["steady", "ectopic", "waves"])
def test_no_cycles_are_seen_where_there_are_none(kind) -> None:
    state, out = run(hour(kind))
    assert state.seen.analysed >= 60
    assert state.seen.cyclical == 0
    assert out == []


@pytest.mark.parametrize("kind", ["fibrillating", "bigeminal"])
def test_a_rhythm_out_of_line_is_not_analysed(kind) -> None:
    state, out = run(hour(kind))
    assert state.seen.analysed == 0
    assert out == []


def test_cycles_are_seen_through_ectopic_beats_that_are_few() -> None:
    body = Body()
    state, _ = run(beats(lambda t: body.cyclic(t) * {0: 0.6, 1: 1.4}.get(body.n % 13, 1.0), 2400))
    assert state.seen.cyclical >= 0.9 * state.seen.analysed >= 20


@pytest.mark.parametrize(("poor", "analysed"), [(12, True), (13, False)])
def test_a_fifth_of_a_minute_may_be_poor(poor, analysed) -> None:
    """Of the 60 beats of the minute in the middle; those around it are good."""
    minutes = {}
    items = beats(lambda t: 1.0, 20 * 60 + 5, T0 - 0.5)
    first = next(i for i, x in enumerate(items) if x.t_s > T0 + 600)
    chosen = {first + (60 * k) // poor for k in range(poor)}
    items = [replace(x, good=i not in chosen) for i, x in enumerate(items)]
    minutes = {m: row is not None for m, row in DETECTOR.rows(items)}
    assert minutes[int(T0 // 60) + 10] is analysed
    assert minutes[int(T0 // 60) + 14]


@pytest.mark.parametrize(("missing_s", "analysed"), [(15.0, True), (15.5, False)])
def test_of_a_minute_45_seconds_must_be_known(missing_s, analysed) -> None:
    """The beats before and after the hole stand for nothing within it."""
    items = beats(lambda t: 0.5, 20 * 60 + 5, T0)
    hole = T0 + 610, T0 + 610 + missing_s
    items = [x for x in items if not hole[0] < x.t_s < hole[1]]
    minutes = {m: row is not None for m, row in DETECTOR.rows(items)}
    assert minutes[int(T0 // 60) + 10] is analysed


@pytest.mark.parametrize(("hole_s", "analysed"), [(10.0, True), (10.5, False)])
def test_ten_seconds_are_drawn_over(hole_s, analysed) -> None:
    stage = replace(DETECTOR, least_known_s=60.0)
    items = beats(lambda t: 0.5, 20 * 60 + 5, T0)
    items = [x for x in items if not T0 + 610 < x.t_s < T0 + 610 + hole_s]
    minutes = {m: row is not None for m, row in stage.rows(items)}
    assert minutes[int(T0 // 60) + 10] is analysed


def test_three_of_the_five_minutes_must_be_fine() -> None:
    """A recording begins and ends with a minute of which two neighbours are known."""
    fine = [row is not None for _, row in DETECTOR.rows(beats(lambda t: 1.0, 10 * 60 + 20))]
    assert fine == [False] * 2 + [True] * 10 + [False]


@pytest.mark.parametrize(
    ("share", "kept"), [(0.81, True), (0.79, False), (1.19, True), (1.21, False)]
)
def test_an_interval_a_fifth_off_its_neighbours_is_left_out(share, kept) -> None:
    items = beats(lambda t: 1.0, 14 * 60)
    items[400] = replace(items[400], rr_s=share)
    rows = [dict(DETECTOR.rows(x)) for x in (items, beats(lambda t: 1.0, 14 * 60))]
    minute = int(items[400].t_s // 60)
    assert (not np.array_equal(rows[0][minute], rows[1][minute])) is kept


def test_minutes_are_those_of_the_clock() -> None:
    """Cycles in one half of an hour: the minutes with the pattern are those, 9 min late."""
    body = Body()
    items = beats(lambda t: body.cyclic(t) if t >= 1800 else body.steady(t), 3600)
    parts, seen = unknown(), {}
    for minute, row in DETECTOR.rows(items):
        parts, odds_log = judged(parts, row)
        if odds_log is not None:
            seen[minute - AROUND - int(T0 // 60)] = odds_log > 0
    border = next(m for m in sorted(seen) if seen[m])
    assert abs(border - 30) <= 2
    assert all(seen[m] == (m >= border) for m in seen)


# ---- numbers ---------------------------------------------------------------------------------


def test_features_have_names_and_are_finite_for_anything() -> None:
    assert len(set(FEATURES)) == len(FEATURES)
    rng = np.random.default_rng(0)
    step = np.where(np.arange(WINDOW) < 300, 0.4, 1.5)
    for x in (np.ones(WINDOW), step, rng.uniform(0.3, 2.5, WINDOW), np.linspace(0.5, 2, WINDOW)):
        row = features(x)
        assert row.shape == (len(FEATURES),)
        assert np.isfinite(row).all()


def test_features_name_the_cycle() -> None:
    t = np.arange(WINDOW) / FS
    row = dict(zip(FEATURES, features(1 + 0.05 * np.cos(2 * np.pi * t / 40)), strict=True))
    assert row["cycle_hz_5min"] == pytest.approx(1 / 40, abs=0.001)
    assert row["echo_s_5min"] == pytest.approx(40, abs=1.5)
    assert row["dips"] == 7  # the half cycles at either end have one shoulder
    assert row["dips_in_a_row"] == 5
    assert row["dip_likeness"] == pytest.approx(1, abs=0.01)
    assert row["breath_swing"] >= 0


def test_the_shape_does_not_depend_on_the_rate() -> None:
    """Ratios and skews are the same for a heart half as fast that swings twice as much."""
    t = np.arange(WINDOW) / FS
    x = 0.6 + 0.05 * np.cos(2 * np.pi * t / 45) + 0.01 * np.sin(2 * np.pi * t / 4)
    one, two = (dict(zip(FEATURES, features(y), strict=True)) for y in (x, 2 * x))
    for name in ("cycle_share_5min", "echo_3min", "skew_5min", "log_sd_3min", "breath_share"):
        assert one[name] == pytest.approx(two[name], abs=1e-9)


@pytest.mark.parametrize(("share", "count"), [(0.98, 0), (1.02, 7)])
def test_a_dip_is_as_deep_as_it_is_wide(share, count) -> None:
    """0.7 ms for each second, after the smoothing, of which the response is known."""
    t, period_s = np.arange(WINDOW) / FS, 40
    turn = pi / period_s / FS
    passed = (sin(9 * turn) / (9 * sin(turn))) ** 2
    half_ms = share * 0.7 * period_s / 2 / passed
    assert len(dips(1 + half_ms / 1000 * np.cos(2 * pi * t / period_s))) == count


def test_a_step_is_no_dip() -> None:
    """A valley with one shoulder only 10 ms high, however high the other is."""
    t = np.arange(WINDOW) / FS
    step = 1 + 0.2 * np.tanh((t - 160) / 5) - 0.01 * np.exp(-(((t - 140) / 5) ** 2))
    assert dips(step) == []


def test_of_two_dips_close_together_the_deeper_counts() -> None:
    t = np.arange(WINDOW) / FS
    x = 1 - 0.1 * np.exp(-(((t - 150) / 4) ** 2)) - 0.2 * np.exp(-(((t - 163) / 4) ** 2))
    assert [dip.at / FS for dip in dips(x)] == [pytest.approx(163, abs=1)]


def test_smoothing_is_a_mean_around() -> None:
    x = np.arange(10.0)
    assert smoothed(x, 3)[1:-1] == pytest.approx(x[1:-1])
    assert smoothed(x, 3)[0] == pytest.approx(1 / 3)


def test_a_minute_gives_to_itself_those_near_and_those_around() -> None:
    """One known minute counts with all three parts, and reaches as far as it was learnt."""
    model, row = logistic("apnoea"), np.full(len(FEATURES), 0.1)
    own, near, around = model.parts(row)
    parts, alone = unknown(), list[float | None]()
    for i in range(20):
        parts, odds_log = judged(parts, row if i == 0 else None)
        alone.append(odds_log)
    assert [i for i, x in enumerate(alone) if x is not None] == [AROUND]
    assert alone[AROUND] == pytest.approx(own + near + around + model.bias)
    other = model.mean  # its parts are 0
    for distance, share in ((1, 1 / 2), (2, 1 / 2), (3, 0), (7, 0)):
        want = share * near + around / 2 + model.bias
        assert of_two(other, row, distance) == pytest.approx(want)  # after the one that is judged
        assert of_two(row, other, distance, second=True) == pytest.approx(want)  # before it
    assert of_two(row, other, AROUND + 1, second=True) == pytest.approx(model.bias)  # too far


def of_two(first, then, distance: int, *, second: bool = False) -> float | None:
    """Return the log odds of one of two minutes so far apart."""
    parts, odds_log = unknown(), None
    for i in range(1 + AROUND + distance * second):
        parts, odds_log = judged(parts, {0: first, distance: then}.get(i))
    return odds_log


# ---- nights ----------------------------------------------------------------------------------


def test_a_night_is_told_after_an_hour() -> None:
    state, out = run(hour("cyclic"))
    (told,) = out
    assert told.kind == "apnoea_night"
    assert told.ongoing
    assert told.severity == "info"  # too short for more
    assert dict(told.evidence) == {
        "pattern_per_h": 60.0,
        "pattern_minutes": 60.0,
        "analysed_h": 1.0,
    }
    assert told.t0_s == T0
    assert told.t1_s == T0 + HOUR_S
    assert len(freeze(state)) < 8192


def test_a_night_is_replaced_and_ended_under_its_key() -> None:
    items = [*hour("cyclic"), *beats(Body().steady, 1200, T0 + 86_400)]
    first, last = run(items)[1]
    assert first.key == last.key
    assert first.ongoing
    assert not last.ongoing
    assert first.t1_s < last.t1_s <= T0 + 75 * 60


def counted(state: State, cyclical: int, of: int, stage=DETECTOR):
    """Return what is told with the last of so many minutes."""
    x, told = Beat("beat", "chest/ecg", T0, 1.0, good=True), ()
    for i in range(of):
        state, told = stage._counted(state, int(T0 // 60) + i, 1.0 if i < cyclical else -1.0, x)
    return state, told


@pytest.mark.parametrize(
    ("cyclical", "minutes", "severity"),
    [
        (4, 60, None),
        (5, 60, "info"),
        (5, 59, None),
        (59, 60, "info"),
        (59, 240, "info"),
        (60, 240, "amber"),
        (180, 180, "info"),
    ],
)
def test_five_an_hour_are_told_and_fifteen_of_four_hours_are_amber(
    cyclical, minutes, severity
) -> None:
    _, told = counted(State(), cyclical, minutes)
    assert [x.severity for x in told] == ([severity] if severity else [])


def test_even_odds_are_not_the_pattern() -> None:
    x = Beat("beat", "chest/ecg", T0, 1.0, good=True)
    for odds_log, cyclical in ((0.0, 0), (1e-9, 1)):
        state, _ = DETECTOR._counted(State(), int(T0 // 60), odds_log, x)
        assert state.seen == Night(T0, T0 + 60, 1, cyclical)


def test_minutes_in_which_someone_was_awake_do_not_count() -> None:
    """The one block of 5 min that ends when it is told, and no other."""
    items = [*hour("cyclic"), Vital("asleep", "wrist/acceleration", T0 + 1800, 0.0)]
    items += [Vital("asleep", "wrist/acceleration", T0 + 2100, 1.0)]
    state, _ = run(sorted(items, key=lambda x: x.t_s))
    all_of_it, _ = run(hour("cyclic"))
    assert state.seen.analysed == all_of_it.seen.analysed - 5
    awake = [Vital("asleep", "w/a", T0 + 300.0 * i, 0.0) for i in range(1, 16)]
    state, out = run(sorted([*hour("cyclic"), *awake], key=lambda x: x.t_s))
    assert state.seen.analysed == 0
    assert out == []


@pytest.mark.parametrize(("zone_h", "nights"), [(0, 1), (4, 1), (8, 2)])
def test_a_night_goes_from_noon_to_noon(zone_h, nights) -> None:
    """Minutes from 03:30 UTC to 04:45; noon is at 04:00 where clocks are 8 h ahead."""
    t0_s = T0 + 7.5 * HOUR_S
    stage = replace(DETECTOR, zone_offset_s=zone_h * HOUR_S, least_h=0.4)
    items = [replace(x, t_s=x.t_s - T0 + t0_s) for x in hour("cyclic")]
    out = run([*items, *beats(Body().steady, 1200, t0_s + 90_000)], stage)[1]
    assert len({x.key for x in out}) == nights


def test_nothing_reaches_over_a_silence() -> None:
    """Minutes before a silence are judged when it ends, without those after it."""
    before = beats(Body().cyclic, 1800)
    steady = beats(Body().steady, 1800, T0 + 3 * HOUR_S)
    state, _ = run([*before, replace(steady[0], rr_s=None), *steady[1:]])
    assert state.seen.cyclical == 30
    assert 50 <= state.seen.analysed < 60


def test_a_clock_that_goes_back_begins_anew() -> None:
    items = [*hour("cyclic"), *beats(Body().steady, 1800, T0 - HOUR_S)]
    state, _ = run(items)
    assert np.isfinite(state.parts).any()
    assert state.tachogram.minute == int((T0 - HOUR_S + 1800 - 6) // 60)


# ---- learnt ----------------------------------------------------------------------------------


def test_the_weights_fit_the_features() -> None:
    model = logistic("apnoea")
    assert model.weight.shape == (len(FEATURES), 3)
    assert model.mean.shape == model.scale.shape == (len(FEATURES),)
    assert (model.scale > 0).all()
    assert model.parts(model.mean) == pytest.approx([0, 0, 0])
    far = model.mean + 100 * model.scale
    assert model.parts(far) == pytest.approx(model.most * model.weight.sum(axis=0))
