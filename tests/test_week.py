"""A week through one pipeline: what it remembers does not grow with the days."""

import zlib

from healthslm import replay, simulate
from healthslm.daemon import STATE_BYTES
from healthslm.pipeline import Pipeline

START_S = 1_772_323_200.0  # 2026-03-01
DAY_S = 86_400.0


def test_what_is_remembered_does_not_grow_over_a_week() -> None:
    """Nights and habits are kept for weeks, in few numbers; the rest is of the last minutes."""
    machine, sizes = Pipeline(), []
    for day in range(7):
        recording = simulate.day(day, start_s=START_S + day * DAY_S)
        for _ in replay.played(recording, pipeline=lambda: machine):
            pass
        sizes.append(len(zlib.compress(machine.snapshot())))
    assert max(sizes) < STATE_BYTES
    assert max(sizes[4:]) < 1.25 * max(sizes[:4])
