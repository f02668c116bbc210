"""How much a body moves, walks and turns, from an acceleration of three axes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from healthslm.records import Chunk, Vital
from healthslm.signals.triaxial import Feed, Vector, added, angle_deg, blocks, on_trunk
from healthslm.stage import FloatArray

_BLOCK_S = 5.0
_MINUTE = 12  # blocks
_LEAST = 6  # blocks of a minute, for it to be told
_WALKED = 2.0  # blocks of walking, to know what upright is ...
_REMEMBERED = 120.0  # ... of which the newest ten minutes count ...
_FORGOTTEN = 720  # ... until nothing was read for an hour
_ALMOST = 0.7  # of the highest autocorrelation: as good, and earlier
_NOTHING = 1e-6  # g or degrees: less than the last bit of any sensor


@dataclass(frozen=True, slots=True)
class Minute:
    """Sums over the blocks of one minute that were read."""

    index: int = -1
    blocks: int = 0
    moved_g: float = 0.0
    steps: float = 0.0
    turned_deg: float = 0.0  # the largest
    turns: int = 0  # blocks that could be compared with the one before
    down: Vector = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class State:
    """The samples held, the minute under way, and which way was down."""

    feed: Feed = field(default_factory=Feed)
    minute: Minute = field(default_factory=Minute)
    block: int = -2  # the newest that was read
    down: Vector = (0.0, 0.0, 0.0)  # in that block, g
    upright: Vector = (0.0, 0.0, 0.0)  # down while walking; of length 0: not known
    walked: float = 0.0  # blocks that say so


@dataclass(frozen=True, slots=True)
class Motion:
    """Vitals for every minute, counted from sample index 0, of which half was read.

    activity        g: mean amplitude deviation of the magnitude over 5 s, mean of the minute.
                    Vaha-Ypya et al. 2015, doi:10.1371/journal.pone.0134813 (there 6 s): 0.091 g
                    is 3 MET at the hip. A sensor whose g is a little wrong does not matter.
    steps           In this minute. In each 5 s the step is the first strong peak of the
                    autocorrelation (Moe-Nilssen & Helbostad 2004,
                    doi:10.1016/S0966-6362(03)00068-1) between 80 and 200 a minute; there is
                    none where it is weak or the body hardly moves.
    posture_change  Degrees: the largest angle between gravity in one 5 s and the next. Below
                    5 degrees for 5 minutes is sustained inactivity (van Hees et al. 2015,
                    doi:10.1371/journal.pone.0142533). Where we differ: they take the change of
                    the z axis' angle; the whole angle is never less, and needs no axis.
    posture         Degrees from upright, 0 to 180: only of a sensor on the trunk, and only once
                    10 s of walking have told what upright is.

    A minute in which every reading is the same is not told: no body is so still, the sensor
    hangs or lies somewhere. A sensor that lies on a table and can feel its own noise looks like
    a person who does not move; nothing here can tell them apart.
    """

    reads: ClassVar[tuple[str, ...]] = ("acceleration",)
    chunks: ClassVar[bool] = True
    latency_s: ClassVar[float] = 1.0

    step_hz: tuple[float, float] = (80 / 60, 200 / 60)
    step_likeness: float = 0.4  # autocorrelation at a step, at least
    step_g: float = 0.03  # mean amplitude deviation of a walk, at least

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, chunk: Chunk, /) -> tuple[State, tuple[Vital, ...]]:
        """Take samples; return the vitals of the minutes they complete."""
        if (chunk.epoch_s, chunk.fs) != (state.feed.epoch_s, state.feed.fs):
            state = State()
        told: list[Vital] = []
        if state.minute.index >= 0 and chunk.t_s >= _end_s(state.minute, chunk):
            state = self._close(state, chunk, told)
        feed, found = blocks(state.feed, chunk, _BLOCK_S)
        state = replace(state, feed=feed)
        magnitude = found.magnitude
        moved = found.mean(np.abs(magnitude - found.mean(magnitude)[:, None])).tolist()
        down = found.mean(found.cells).tolist()
        for i, (moved_g, (x, y, z)) in enumerate(zip(moved, down, strict=True)):
            block = found.first + i
            if state.minute.index != block // _MINUTE:
                state = self._close(state, chunk, told, block // _MINUTE)
            if moved_g == moved_g:
                steps = self._steps(magnitude[i][found.good[i]], moved_g, found.hz)
                state = self._with(state, block, moved_g, steps, (x, y, z), chunk.stream)
            if block % _MINUTE == _MINUTE - 1:
                state = self._close(state, chunk, told)
        return state, tuple(told)

    def _steps(self, magnitude: FloatArray, moved_g: float, hz: float) -> float:
        """Return how many steps these 5 s hold; the magnitude has shape (n,), g."""
        if moved_g < self.step_g:
            return 0.0
        slow, fast = (hz / f for f in self.step_hz)  # cells in a step
        first = max(int(fast) - 1, 1)
        likeness = _likeness(magnitude - magnitude.mean(), first, int(2 * slow) + 2)
        tops = [
            (first + i, top, before, after)
            for i, (before, top, after) in enumerate(
                zip(likeness, likeness[1:], likeness[2:], strict=False), 1
            )
            if top >= self.step_likeness and before <= top > after
        ]
        if not tops:
            return 0.0
        strong = _ALMOST * max(top for _, top, _, _ in tops)
        lag, top, before, after = next(t for t in tops if t[1] >= strong)
        step = lag + (before - after) / (before - 2 * top + after) / 2  # top of a parabola
        if step > slow + 0.5:
            step /= 2  # an arm swings once for two steps
        return _BLOCK_S * hz / step

    def _with(
        self, state: State, block: int, moved_g: float, steps: float, down: Vector, stream: str
    ) -> State:
        """Return the state after one more block of the minute under way."""
        follows = block == state.block + 1
        turned = angle_deg(state.down, down) if follows else 0.0
        minute = state.minute
        minute = Minute(
            minute.index,
            minute.blocks + 1,
            minute.moved_g + moved_g,
            minute.steps + steps,
            max(minute.turned_deg, turned),
            minute.turns + follows,
            added(minute.down, down),
        )
        known = state if block - state.block <= _FORGOTTEN else replace(state, walked=0.0)
        upright, walked = known.upright, known.walked
        if steps and on_trunk(stream):
            keep = min(walked, _REMEMBERED - 1) / max(walked, 1)
            upright = added((upright[0] * keep, upright[1] * keep, upright[2] * keep), down)
            walked = walked * keep + 1
        return State(state.feed, minute, block, down, upright, walked)

    def _close(self, state: State, chunk: Chunk, told: list[Vital], index: int = -1) -> State:
        """Tell the minute under way, where enough of it was read; begin another."""
        minute = state.minute
        still = minute.moved_g < _NOTHING and minute.turned_deg < _NOTHING
        if minute.blocks >= _LEAST and not still:
            values = {"activity": minute.moved_g / minute.blocks}
            values["steps"] = minute.steps * _MINUTE / minute.blocks
            if minute.turns >= _LEAST - 1:
                values["posture_change"] = minute.turned_deg
            if state.walked >= _WALKED:
                values["posture"] = angle_deg(state.upright, minute.down)
            end_s = _end_s(minute, chunk)
            told += [Vital(kind, chunk.stream, end_s, v) for kind, v in values.items()]
        return replace(state, minute=Minute(index))


def _likeness(away: FloatArray, first: int, last: int) -> list[float]:
    """Return the autocorrelation at each lag from first to last, -1 to 1."""
    out = []
    for lag in range(first, min(last, len(away) - 1) + 1):
        early, late = away[:-lag], away[lag:]
        power = float((early * early).sum() * (late * late).sum())
        out.append(float((early * late).sum()) / power**0.5 if power > 0 else 0.0)
    return out


def _end_s(minute: Minute, chunk: Chunk) -> float:
    return chunk.epoch_s + (minute.index + 1) * _MINUTE * _BLOCK_S


SIGNAL = Motion()
