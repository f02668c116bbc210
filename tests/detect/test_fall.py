"""A blow, another posture, stillness; then the wearer is asked."""

from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from healthslm.detect.fall import DETECTOR, Fall
from healthslm.records import Chunk, Finding

T0 = 1_700_000_000.0
RATE = 32
BLOW_S = 20.4  # within the clip


def clip(
    *,
    rate: float = RATE,
    thrust_m_s: float = 4.0,
    width_s: float = 0.12,
    turned_deg: float = 90.0,
    still_s: float = 150.0,
    writhes_s: float = 0.5,
    weightless_s: float = 0.0,
    noise_g: float = 0.004,
    walks_s: float = 12.0,
    seed: int = 7,
) -> np.ndarray:
    """Return readings, shape (n, 3), g: rest, a walk, a fall, stillness, and a walk again."""
    rng = np.random.default_rng(seed)
    t = np.arange(round((BLOW_S + still_s + 20) * rate)) / rate
    angle = np.radians(turned_deg) * np.clip((t - BLOW_S + 0.4) / 0.4, 0, 1)
    xyz = np.stack((np.sin(angle), 0 * t, np.cos(angle)), axis=1)
    over = t >= BLOW_S + still_s
    walks = ((t > 5) & (t < 5 + walks_s)) | over
    xyz[:, 2] += 0.15 * np.sin(2 * np.pi * 1.8 * t) * walks
    xyz[:, 1] += 0.2 * np.sin(2 * np.pi * 0.9 * t) * walks
    after = t - BLOW_S
    writhing = (after > 0.3) & (after < 0.3 + writhes_s)
    xyz += 0.3 * np.sin(2 * np.pi * 1.3 * t)[:, None] * writhing[:, None] * [0.3, 0.5, 0.3]
    xyz[(after < -0.2) & (after >= -0.2 - weightless_s)] *= 0.1
    # The thrust above 1.2 g of a bell of this height upon gravity, found by trying.
    bell = np.exp(-0.5 * ((t - BLOW_S) / width_s) ** 2)[:, None]
    heights = np.linspace(0.5, 40, 400)
    near = np.abs(after) < 1
    way = np.array([0.5, 0.2, 0.84])
    sums = [
        9.80665
        / rate
        * np.maximum(np.linalg.norm(xyz[near] + h * bell[near] * way, axis=1) - 1.2, 0).sum()
        for h in heights
    ]
    xyz += np.interp(thrust_m_s, sums, heights) * bell * way
    return xyz + noise_g * rng.standard_normal(xyz.shape)


def found(
    xyz: np.ndarray,
    stage: Fall = DETECTOR,
    *,
    device: str = "wrist",
    rate: float = RATE,
    holes: tuple[tuple[float, float], ...] = (),
) -> list[Finding]:
    """Return the findings, when what came between begin and end of each hole is lost."""
    x, state, out = xyz.ravel(), stage.start(), list[Finding]()
    size = 3 * round(5 * rate)
    edges = sorted({*range(0, len(x), size), *(3 * round(e * rate) for h in holes for e in h)})
    for begin, end in zip(edges, [*edges[1:], len(x)], strict=True):
        if any(round(a * rate) * 3 <= begin < round(b * rate) * 3 for a, b in holes):
            continue
        stream = f"{device}/acceleration"
        chunk = Chunk(stream, "acceleration", T0, 3 * rate, begin, x[begin:end])
        state, new = stage.step(state, chunk)
        out += new
    return out


def course(findings: list[Finding]) -> list[tuple[str, bool]]:
    assert len({f.key for f in findings}) <= 1
    return [(f.severity, f.ongoing) for f in findings]


AMBER, RED, OVER = ("amber", True), ("red", True), ("red", False)


# ---- the course of a fall --------------------------------------------------------------------


def test_who_does_not_move_is_asked_and_then_it_is_red() -> None:
    findings = found(clip())
    assert course(findings) == [AMBER, RED, OVER]
    asked, red, over = findings
    assert abs(asked.t0_s - T0 - BLOW_S) <= 1
    assert 30 <= asked.t1_s - asked.t0_s <= 34
    assert red.t1_s - asked.t1_s == 60
    assert over.t1_s - T0 - BLOW_S - 150 == pytest.approx(10, abs=1)  # 10 s of movement end it
    assert dict(asked.evidence)["still_s"] == 30
    evidence = dict(red.evidence)
    assert evidence["turned_deg"] == pytest.approx(90, abs=5)
    assert evidence["still_s"] >= 85
    assert evidence["peak_g"] > 1.5


@pytest.mark.parametrize(
    ("still_s", "expected"),
    [
        (28, []),
        (34, [AMBER, ("info", False)]),
        (86, [AMBER, ("info", False)]),
        (94, [AMBER, RED, OVER]),
    ],
)
def test_whoever_moves_in_time_ends_it(still_s: float, expected: list[tuple[str, bool]]) -> None:
    assert course(found(clip(still_s=still_s))) == expected


@pytest.mark.parametrize(
    ("device", "thrust_m_s", "told"),
    [
        ("wrist", 2.1, False),
        ("wrist", 2.5, True),
        ("band", 2.1, False),  # an unknown place: the stricter
        ("waist", 0.4, False),
        ("waist", 0.65, True),
        ("chest", 0.65, True),
        ("belt-2", 0.65, True),
    ],
)
def test_how_hard_a_blow_has_to_be(device: str, thrust_m_s: float, told: bool) -> None:
    xyz = clip(thrust_m_s=thrust_m_s, writhes_s=0, walks_s=8)
    assert bool(found(xyz, device=device)) == told


@pytest.mark.parametrize(("deg", "told"), [(42, False), (48, True), (180, True), (0, False)])
def test_posture_has_to_change(deg: float, told: bool) -> None:
    assert bool(found(clip(turned_deg=deg, writhes_s=0, walks_s=8))) == told


@pytest.mark.parametrize(("writhes_s", "told"), [(2.4, True), (4.6, False)])
def test_stillness_has_to_come_soon(writhes_s: float, told: bool) -> None:
    assert bool(found(clip(writhes_s=writhes_s, turned_deg=90))) == told


def test_a_twitch_is_no_movement_and_three_seconds_are() -> None:
    for seconds, told in ((1.9, True), (4.0, False)):
        xyz = clip()
        moves = slice(round(32 * RATE), round((32 + seconds) * RATE))
        xyz[moves, 1] += 0.4 * np.sin(2 * np.pi * 2 * np.arange(moves.stop - moves.start) / RATE)
        assert bool(found(xyz)) == told


def test_twitches_do_not_add_up() -> None:
    xyz = clip()
    for at in range(26, 50, 5):
        xyz[at * RATE : (at + 1) * RATE, 1] += 0.5 * np.sin(np.arange(RATE))
    assert course(found(xyz)) == [AMBER, RED, OVER]


def test_a_limb_that_stirs_does_not_end_what_is_red() -> None:
    xyz = clip()
    moves = slice(130 * RATE, 135 * RATE)  # 5 s
    xyz[moves, 1] += 0.4 * np.sin(2 * np.pi * 2 * np.arange(5 * RATE) / RATE)
    assert course(found(xyz)) == [AMBER, RED, OVER]
    assert found(xyz)[-1].t1_s > T0 + 170


@pytest.mark.parametrize("off", [0.0, 0.2, 0.4, 0.6, 0.8])
def test_where_the_second_begins_does_not_matter(off: float) -> None:
    xyz = clip(thrust_m_s=2.6, writhes_s=0)[round(off * RATE) :]
    assert course(found(xyz)) == [AMBER, RED, OVER]


def test_sitting_down_hard_and_rising_again() -> None:
    """Another posture for ten seconds, a blow, and the posture of before: nobody fell."""
    xyz = clip(still_s=60)
    back = slice(round((BLOW_S + 10) * RATE), round((BLOW_S + 60) * RATE))
    xyz[back] = xyz[back][:, [2, 1, 0]]
    xyz[back.start : back.start + 5] *= 4
    assert not found(xyz, device="waist")


def test_a_second_blow_is_still_the_same_fall() -> None:
    """A leg that drops, ten seconds later, does not make him who lies there have lain before."""
    xyz = clip()
    at = round((BLOW_S + 10.5) * RATE)
    xyz[at : at + 4] *= 4
    assert course(found(xyz, device="waist")) == [AMBER, RED, OVER]


def test_running_and_clapping_end_where_they_began() -> None:
    """The posture before is that of before it all, not that of the last seconds of it."""
    xyz = clip(turned_deg=0)
    t = np.arange(len(xyz)) / RATE
    wild = (t > BLOW_S - 8) & (t < BLOW_S + 0.5)
    xyz[wild] = (2.5 * np.abs(np.sin(2 * np.pi * 2.3 * t[wild])) + 0.2)[:, None] * [1.0, 0.1, 0.1]
    assert not found(xyz)


# ---- sensors ---------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [20, 25, 32, 50, 100, 200])
@pytest.mark.parametrize(("thrust_m_s", "told"), [(1.9, False), (2.8, True)])
def test_the_sampling_rate_does_not_matter(rate: int, thrust_m_s: float, told: bool) -> None:
    xyz = clip(rate=rate, thrust_m_s=thrust_m_s, writhes_s=0, walks_s=8)
    assert bool(found(xyz, rate=rate)) == told


def test_too_slow_a_sensor_says_nothing() -> None:
    assert found(clip(rate=15), rate=15)
    assert not found(clip(rate=14.9), rate=14.9)


def test_axes_may_point_anywhere() -> None:
    xyz = clip()
    usual = found(xyz)
    rotation = np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))[0]
    others = [xyz[:, list(p)] * s for p in permutations(range(3)) for s in (1, -1)]
    for other in (*others, xyz @ rotation):
        again = found(other)
        assert [replace(f, evidence=()) for f in again] == [replace(f, evidence=()) for f in usual]
        for f, g in zip(again, usual, strict=True):
            assert [v for _, v in f.evidence] == pytest.approx([v for _, v in g.evidence])


@pytest.mark.parametrize("clip_g", [2.0, 4.0, 8.0])
@pytest.mark.parametrize("device", ["wrist", "waist"])
def test_a_sensor_of_less_range_still_finds_it(clip_g: float, device: str) -> None:
    xyz = np.clip(clip(thrust_m_s=5.0), -clip_g, clip_g)
    assert course(found(xyz, device=device)) == [AMBER, RED, OVER]


@pytest.mark.parametrize("gain", [0.93, 1.07])
def test_a_sensor_whose_g_is_a_little_wrong(gain: float) -> None:
    assert course(found(gain * clip())) == [AMBER, RED, OVER]
    assert not found(gain * clip(thrust_m_s=1.5))


def test_a_sensor_that_fell_by_itself_only_asks() -> None:
    xyz = clip(weightless_s=0.45, noise_g=0.002, writhes_s=0)
    assert course(found(xyz)) == [AMBER, ("info", False)]
    assert course(found(clip(weightless_s=0.2, writhes_s=0))) == [AMBER, RED, OVER]


def test_a_sensor_on_a_table_that_is_struck() -> None:
    xyz = np.tile([0.0, 0.0, 1.0], (RATE * 200, 1))
    for at in range(10, 200, 40):
        xyz[at * RATE : at * RATE + 4] = [3.0, 1.0, 6.0]
    assert not found(xyz)
    assert not found(xyz, device="waist")


@pytest.mark.parametrize(("lost_s", "told"), [(9, True), (12, False)])
def test_a_short_hole_is_waited_for_and_a_long_one_ends_all(lost_s: int, told: bool) -> None:
    """Lost or unread alike; the time of a hole does not count as stillness."""
    begin = 30.0
    xyz = clip()
    lost = found(xyz, holes=((begin, begin + lost_s),))
    unread = xyz.copy()
    unread[round(begin * RATE) : round((begin + lost_s) * RATE)] = np.nan
    for findings in (lost, found(unread)):
        assert bool(findings) == told
        if told:
            assert findings[0].t1_s - findings[0].t0_s >= 30 + lost_s


def test_short_holes_do_not_add_up() -> None:
    xyz = clip()
    for at in range(26, 50, 6):
        xyz[at * RATE : (at + 4) * RATE] = np.nan
    assert found(xyz)


def test_a_long_hole_ends_what_was_told_as_it_was() -> None:
    findings = found(clip(), holes=((70.0, 90.0),))
    assert course(findings) == [AMBER, ("amber", False)]
    assert findings[-1].t1_s == pytest.approx(T0 + 70, abs=1)
    findings = found(clip(), holes=((140.0, 160.0),))
    assert course(findings) == [AMBER, RED, OVER]
    assert findings[-1].t1_s == pytest.approx(T0 + 140, abs=1)


def test_noise_and_hum_are_no_falls() -> None:
    rng = np.random.default_rng(3)
    still = np.tile([0.0, 0.0, 1.0], (RATE * 300, 1))
    for noise_g in (0.01, 0.1, 0.5, 2.0):
        assert not found(still + noise_g * rng.standard_normal(still.shape), device="waist")
    for bad in (np.nan, np.inf, 0.0, 1e9, -16.0):
        xyz = clip()
        xyz[round(19 * RATE) : round(24 * RATE)] = bad
        assert not found(xyz)


# ---- on real people --------------------------------------------------------------------------


def test_staged_falls_and_hours_of_wear(data_dir: Path) -> None:
    """The goals of the benchmark at the wrist, on the people it is developed with."""
    from benchmarks.data import Data
    from benchmarks.tasks import falls

    data = Data(data_dir, "dev")
    assert not falls.umafall(data).missed
    assert not falls.wear(data).missed
