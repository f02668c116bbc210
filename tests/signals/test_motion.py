"""How much a body moves, walks and turns."""

from collections.abc import Callable, Sequence
from itertools import permutations

import numpy as np
import pytest

from healthslm.records import Chunk, Vital
from healthslm.signals.motion import SIGNAL

T0 = 1_700_000_000.0
RATE = 32

Shape = Callable[[np.ndarray], np.ndarray]


def still(t: np.ndarray) -> np.ndarray:
    return np.stack((0 * t, 0 * t, 1 + 0 * t), axis=1)


def walk(per_min: float, g: float = 0.3) -> Shape:
    """Return a body that walks upright along z."""

    def made(t: np.ndarray) -> np.ndarray:
        out = still(t)
        phase = 2 * np.pi * per_min / 60 * t
        out[:, 2] += g * np.sin(phase) + 0.3 * g * np.sin(2 * phase + 1)
        out[:, 0] += 0.3 * g * np.sin(phase / 2)
        return out

    return made


def lying(t: np.ndarray) -> np.ndarray:
    return still(t)[:, [2, 1, 0]]


def body(*parts: tuple[Shape, float], rate: float = RATE, noise_g: float = 0.004) -> np.ndarray:
    """Return readings, shape (n, 3): each shape for so many seconds."""
    xyz = np.concatenate([shape(np.arange(round(s * rate)) / rate) for shape, s in parts])
    return xyz + noise_g * np.random.default_rng(5).standard_normal(xyz.shape)


def told(xyz: np.ndarray, stream: str = "waist/acceleration", rate: float = RATE) -> list[Vital]:
    state, out, x = SIGNAL.start(), list[Vital](), xyz.ravel()
    for i in range(0, len(x), 500):
        chunk = Chunk(stream, "acceleration", T0, 3 * rate, i, x[i : i + 500])
        state, new = SIGNAL.step(state, chunk)
        out += new
    return out


def series(vitals: Sequence[Vital], kind: str) -> list[float]:
    return [v.value for v in vitals if v.kind == kind]


def test_every_minute_is_told_at_its_end() -> None:
    vitals = told(body((still, 200)))
    for kind in ("activity", "steps", "posture_change"):
        assert [v.t_s - T0 for v in vitals if v.kind == kind] == [60, 120, 180]


def test_a_body_at_rest_is_at_rest() -> None:
    """Below what language and detectors call rest (0.05 g); 0.091 g is walking slowly."""
    vitals = told(body((still, 120)))
    assert max(series(vitals, "activity")) < 0.01
    assert series(vitals, "steps") == [0, 0]
    assert max(series(vitals, "posture_change")) < 1


def test_activity_is_the_mean_deviation_of_the_magnitude() -> None:
    def shaken(t: np.ndarray) -> np.ndarray:
        return still(t) * (1 + 0.2 * np.sign(np.sin(2 * np.pi * t))[:, None])

    (value,) = series(told(body((shaken, 60), noise_g=0)), "activity")
    assert value == pytest.approx(0.2, rel=0.02)


@pytest.mark.parametrize("gain", [0.95, 1.05])
def test_a_sensor_whose_g_is_a_little_wrong_does_not_move(gain: float) -> None:
    assert max(series(told(gain * body((still, 120))), "activity")) < 0.01


@pytest.mark.parametrize("rate", [20, 25, 32, 50, 100, 200])
@pytest.mark.parametrize("per_min", [84, 100, 120, 165])
def test_steps_are_counted_at_every_rate(rate: int, per_min: float) -> None:
    (steps,) = series(told(body((walk(per_min), 60), rate=rate), rate=rate), "steps")
    assert steps == pytest.approx(per_min, rel=0.02)


def test_an_arm_that_swings_once_for_two_steps() -> None:
    def arm(t: np.ndarray) -> np.ndarray:
        out = still(t)
        out[:, 2] += 0.3 * np.sin(2 * np.pi * 55 / 60 * t)
        return out

    (steps,) = series(told(body((arm, 60)), "wrist/acceleration"), "steps")
    assert steps == pytest.approx(110, rel=0.02)


@pytest.mark.parametrize("g", [0.03, 0.3])
def test_no_steps_in_noise(g: float) -> None:
    assert series(told(body((still, 120), noise_g=g)), "steps") == [0, 0]


def test_who_hardly_moves_does_not_walk() -> None:
    """A heart beat shakes a chest as evenly as steps do."""
    assert series(told(body((walk(90, 0.03), 60), noise_g=0.001)), "steps") == [0]


def test_half_a_minute_of_steps() -> None:
    (steps,) = series(told(body((still, 30), (walk(120), 30))), "steps")
    assert steps == pytest.approx(60, rel=0.05)


def test_posture_is_told_once_upright_is_known_and_on_a_trunk_only() -> None:
    day = body((lying, 60), (walk(100), 60), (still, 60), (lying, 60))
    at = {v.t_s - T0: v.value for v in told(day) if v.kind == "posture"}
    assert list(at) == [120, 180, 240]
    assert at[180] < 5
    assert at[240] == pytest.approx(90, abs=5)
    assert not series(told(day, "wrist/acceleration"), "posture")


def test_a_day_without_readings_forgets_what_upright_was() -> None:
    """The sensor may sit otherwise since."""
    before, after = body((walk(100), 60)).ravel(), body((lying, 60)).ravel()

    def over(hours: float) -> list[float]:
        start = len(before) + round(hours * 3600) * RATE * 3
        state, _ = SIGNAL.step(
            SIGNAL.start(), Chunk("chest/acceleration", "acceleration", T0, 96.0, 0, before)
        )
        later = Chunk("chest/acceleration", "acceleration", T0, 96.0, start, after)
        return series(SIGNAL.step(state, later)[1], "posture")

    assert over(0.9) == [pytest.approx(90, abs=5)]
    assert not over(1.1)


def turned(deg: float) -> list[float]:
    def tilted(t: np.ndarray) -> np.ndarray:
        a = np.radians(deg)
        return np.tile([0.0, np.sin(a), np.cos(a)], (len(t), 1))

    return series(told(body((still, 30), (tilted, 60), noise_g=0.001)), "posture_change")


@pytest.mark.parametrize("deg", [3, 30, 90, 180])
def test_a_turn_is_as_large_as_it_is(deg: float) -> None:
    assert turned(deg) == [pytest.approx(deg, abs=0.2)]


def test_a_turn_at_the_minute_is_of_the_minute_that_begins() -> None:
    vitals = told(body((still, 60), (lying, 60)))
    assert series(vitals, "posture_change") == [pytest.approx(0, abs=1), pytest.approx(90, abs=1)]


def test_no_turn_is_seen_over_a_hole() -> None:
    x = body((still, 60), (lying, 60)).ravel()
    hole = 3 * RATE * 60
    state, out = SIGNAL.start(), list[Vital]()
    for start, piece in ((0, x[: hole - 300]), (hole, x[hole:])):
        chunk = Chunk("waist/acceleration", "acceleration", T0, 96.0, start, piece)
        state, new = SIGNAL.step(state, chunk)
        out += new
    assert max(series(out, "posture_change")) < 1


@pytest.mark.parametrize(("unread_s", "known"), [(31, True), (32, False)])
def test_half_a_minute_is_enough(unread_s: int, known: bool) -> None:
    xyz = body((walk(100), 60))
    xyz[: unread_s * RATE] = np.nan
    vitals = told(xyz)
    assert bool(vitals) == known
    if known:
        assert series(vitals, "steps") == [pytest.approx(100, rel=0.05)]


@pytest.mark.parametrize("g", [(0.0, 0.0, 0.0), (0.0, 0.0, 1.0), (16.0, 16.0, 16.0)])
def test_a_sensor_that_never_changes_tells_nothing(g: tuple[float, float, float]) -> None:
    assert not told(np.tile(g, (RATE * 180, 1)))


def test_axes_may_point_anywhere() -> None:
    xyz = body((still, 20), (walk(110), 70), (lying, 90))
    usual = told(xyz)
    rotation = np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))[0]
    others = [xyz[:, list(p)] * s for p in permutations(range(3)) for s in (1, -1)]
    for other in (*others, xyz @ rotation):
        again = told(other)
        assert [(v.kind, v.t_s) for v in again] == [(v.kind, v.t_s) for v in usual]
        np.testing.assert_allclose(
            [v.value for v in again], [v.value for v in usual], rtol=1e-6, atol=1e-6
        )


@pytest.mark.parametrize("clip_g", [2.0, 4.0, 8.0])
def test_a_sensor_of_less_range_counts_the_same_steps(clip_g: float) -> None:
    xyz = body((walk(110, 0.8), 60))
    (steps,) = series(told(np.clip(xyz, -clip_g, clip_g)), "steps")
    assert steps == pytest.approx(110, rel=0.02)
