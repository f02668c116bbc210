"""Blocks of an acceleration: whole, aligned to sample index 0, the same however it is cut."""

from itertools import cycle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from healthslm.records import Chunk
from healthslm.signals.triaxial import Blocks, Feed, angle_deg, blocks, on_trunk

T0 = 1_700_000_000.0


def chunk(fs: float, start: int, values: np.ndarray) -> Chunk:
    return Chunk("wrist/acceleration", "acceleration", T0, fs, start, values)


def fed(fs: float, values: np.ndarray, sizes: list[int], start: int = 0) -> list[Blocks]:
    """Return what a run of numbers gives in pieces of these sizes, blocks of 1 s."""
    feed, out, at, size = Feed(), [], 0, cycle(sizes)
    while at < len(values):
        piece = values[at : at + next(size)]
        feed, found = blocks(feed, chunk(fs, start + at, piece), 1.0)
        out.append(found)
        at += len(piece)
    return out


def plain(found: list[Blocks]) -> list[tuple[int, float, bytes]]:
    """Return index, end and bytes of every block."""
    return [
        (b.first + i, b.end_s(i), b.cells[i][b.good[i]].tobytes())
        for b in found
        for i in range(len(b))
    ]


def noise(fs: float, seconds: float) -> np.ndarray:
    return 0.6 + 0.2 * np.random.default_rng(4).standard_normal(int(fs * seconds))


@pytest.mark.parametrize("fs", [32.0, 60.0, 96.0, 100.0, 150.0, 600.0, 2000.0])
@settings(max_examples=12)
@given(sizes=st.lists(st.integers(1, 500), min_size=1, max_size=5), start=st.integers(0, 700))
def test_neither_the_cut_nor_the_start_shows(fs: float, sizes: list[int], start: int) -> None:
    x = noise(fs, 5)
    whole = plain(fed(fs, x, [len(x)], start))
    assert plain(fed(fs, x, sizes, start)) == whole
    assert len(whole) >= 3
    numbers = [index for index, _, _ in whole]
    assert numbers == list(range(numbers[0], numbers[0] + len(whole)))


@pytest.mark.parametrize(("rate", "width"), [(20, 20), (32, 32), (50, 25), (100, 25), (200, 25)])
def test_a_cell_is_the_mean_of_about_40_ms(rate: int, width: int) -> None:
    x = noise(3.0 * rate, 3)
    (found,) = fed(3.0 * rate, x, [len(x)])
    size = rate // width
    assert found.cells.shape == (3, width, 3)
    np.testing.assert_allclose(
        found.cells.reshape(-1, 3), x.reshape(-1, size, 3).mean(axis=1), rtol=1e-12
    )
    assert [found.end_s(i) - T0 for i in range(3)] == [1, 2, 3]


def test_a_cell_belongs_to_the_second_in_which_it_begins() -> None:
    (found,) = fed(100.0, noise(100.0, 3), [300])  # 33.3 cells a second
    assert found.good.sum(axis=1).tolist() == [34, 33, 33]


def test_a_block_that_was_not_wholly_there_is_left_out() -> None:
    fs = 96.0
    x = noise(fs, 10)
    feed, early = blocks(Feed(), chunk(fs, 0, x[:250]), 1.0)  # 2.6 s
    feed, late = blocks(feed, chunk(fs, 400, x[400:]), 1.0)  # from 4.17 s on
    assert [n for n, _, _ in plain([early, late])] == [0, 1, 5, 6, 7, 8, 9]
    assert plain([early, late]) == [b for b in plain(fed(fs, x, [99])) if b[0] not in (2, 3, 4)]


def test_another_clock_begins_anew() -> None:
    fs, x = 96.0, noise(96.0, 3)
    feed, _ = blocks(Feed(), chunk(fs, 0, x[:150]), 1.0)
    moved = Chunk("wrist/acceleration", "acceleration", T0 + 7, fs, 150, x[150:])
    _, found = blocks(feed, moved, 1.0)
    assert [n for n, _, _ in plain([found])] == [2]
    assert found.end_s(0) == T0 + 10


def test_too_slow_a_sensor_gives_nothing() -> None:
    assert not plain(fed(29.9, noise(29.9, 9), [40]))
    assert plain(fed(30.0, noise(30.0, 9), [40]))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 33.0, -1e9])
@pytest.mark.parametrize(("missing", "read"), [(6, True), (7, False)])  # of 32: 80 % is 25.6
def test_a_block_is_read_when_four_fifths_of_it_are(bad: float, missing: int, read: bool) -> None:
    x = noise(96.0, 1)
    x[: 3 * missing : 3] = bad  # one axis is enough
    (found,) = fed(96.0, x, [96])
    assert found.read.tolist() == [read]
    mean = found.mean(found.cells)[0]
    assert np.isfinite(mean).all() == read
    if read:
        np.testing.assert_allclose(mean, x.reshape(-1, 3)[missing:].mean(axis=0))


@pytest.mark.parametrize(("g", "read"), [(0.0, False), (0.29, False), (0.31, True), (1.0, True)])
def test_a_sensor_that_feels_no_gravity_is_off(g: float, read: bool) -> None:
    x = np.tile([g, 0.0, 0.0], 32)
    assert fed(96.0, x, [96])[0].read.tolist() == [read]


def test_a_sensor_stuck_at_its_end_is_off() -> None:
    assert not fed(96.0, np.full(96, 16.0), [96])[0].read.any()


def test_angles_and_places() -> None:
    assert angle_deg((1, 0, 0), (0, 3, 0)) == pytest.approx(90)
    assert angle_deg((1, 1, 0), (2, 2, 0)) == pytest.approx(0, abs=1e-5)
    assert angle_deg((0, 0, 1), (0, 0, -2)) == pytest.approx(180)
    assert angle_deg((0, 0, 0), (0, 0, 1)) == 0
    assert on_trunk("belt-2/acceleration")
    assert not on_trunk("wrist/acceleration-waist")
    assert not on_trunk("band/acceleration")
