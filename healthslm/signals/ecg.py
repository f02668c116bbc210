"""Heart beats from one lead of ECG, and how far the signal can be trusted.

Beats are found (`qrs`) and judged (`quality`), and told block by block of 10 s.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from healthslm.records import Beat, Chunk, Vital
from healthslm.signals import qrs
from healthslm.signals.beat_class import BeatClasses, Judged
from healthslm.signals.beat_kinds import Kinds
from healthslm.signals.morphology import LEAST_HZ, Snapshots
from healthslm.signals.qrs import RR, SETTLE_S, Complexes, QrsFinder
from healthslm.signals.quality import BLOCK_S, GOOD, ecg_quality
from healthslm.signals.runs import runs
from healthslm.signals.slopes import CUT, ROWS, TIME


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What the next chunk needs to know of the ones before."""

    epoch_s: float = 0.0
    search: qrs.State = field(default_factory=qrs.State)
    kinds: Kinds = field(default_factory=Kinds)


@dataclass(frozen=True, slots=True)
class EcgBeats:
    """Beats of one ECG lead, and the quality of every 10 s of it.

    A gap, an unread sample (NaN) or a change of clock ends the evidence: no beat is found
    across it, and the first one after it has no interval. Nor has one after a flat second,
    nor where a long interval may hide a beat (`gaps`).
    """

    reads: ClassVar[tuple[str, ...]] = ("ecg",)
    chunks: ClassVar[bool] = True
    latency_s: ClassVar[float] = BLOCK_S + SETTLE_S + 1.0
    """Outputs lag the input by less."""

    finder: QrsFinder = field(default_factory=lambda: QrsFinder(measure=Snapshots()))
    classes: BeatClasses = field(default_factory=BeatClasses)
    """Not asked where the finder measures no shapes."""

    def start(self) -> State:
        """Return the state before any input."""
        return State()

    def step(self, state: State, chunk: Chunk, /) -> tuple[State, tuple[Beat | Vital, ...]]:
        """Take samples; return the beats and qualities of the blocks they settle."""
        told: list[Beat | Vital] = []
        search = state.search
        if (chunk.epoch_s, chunk.fs) != (state.epoch_s, search.fs) or chunk.start < search.due:
            self._left(state, None, chunk.stream, told)
            state = State(chunk.epoch_s, self.finder.begun(chunk.fs, chunk.start))
        elif chunk.start != search.due:
            state = self._left(state, chunk.start, chunk.stream, told)
        for values, readable in runs(chunk.values):
            search = state.search
            if readable:
                search = self.finder.scanned(search, values)
                end = search.settled
            else:
                search = self.finder.closed(search, search.due + len(values))
                end = search.block_at(search.due)
            state = self._settled(replace(state, search=search), end, chunk.stream, told)
        return state, tuple(told)

    def _left(
        self, state: State, start: int | None, stream: str, told: list[Beat | Vital]
    ) -> State:
        """Tell what a jump to sample `start` (None: to another clock) leaves behind."""
        if state.search.due > 0:
            end = state.search.block_at(state.search.due - 1) + 1
            if start is not None:
                end = min(end, state.search.block_at(start))
            search = self.finder.closed(state.search, state.search.due)
            state = self._settled(replace(state, search=search), end, stream, told)
        if start is None:
            return state
        search = state.search
        return replace(state, search=replace(search, due=start, block=search.block_at(start)))

    def _settled(self, state: State, end: int, stream: str, told: list[Beat | Vital]) -> State:
        """Tell the blocks before `end`, if they are not told yet; return the state without them."""
        first = state.search.block
        if end <= first:
            return state
        search, held = self.finder.handed(state.search, end)
        kinds = self._tell(state, end, held, stream, told)
        return replace(state, search=search, kinds=kinds)

    def _tell(
        self, state: State, end: int, held: Complexes, stream: str, told: list[Beat | Vital]
    ) -> Kinds:
        """Tell what the blocks to before `end` hold, beats, then the quality; return the kinds."""
        first, epoch_s, kinds = state.search.block, state.epoch_s, state.kinds
        beats, n = held.beats, end - first  # rows from `slopes.ROWS` on: what `finder.measure` gave
        quality, trust = ecg_quality(beats[: CUT + 1], held.rest, first, n, held.expected)
        lost = np.bincount((held.lost_s[0] // BLOCK_S).astype(np.intp) - first, minlength=n)
        quality *= (1 - lost / BLOCK_S) ** 2  # as where a part was not read
        block = (beats[TIME] // BLOCK_S).astype(np.intp) - first
        stops = np.searchsorted(block, np.arange(n), side="right").tolist()
        next_s, trusted = np.append(beats[RR], held.next_s), (trust >= GOOD).tolist()
        at = 0
        for i, (value, stop) in enumerate(zip(quality.tolist(), stops, strict=True), first + 1):
            some, good = beats[:, at:stop], trusted[at:stop]
            at = stop
            if not self.finder.measure:
                judged: tuple[Judged, ...] = (("", None),) * some.shape[1]
            elif state.search.fs < LEAST_HZ:
                judged = (("Q", None),) * some.shape[1]
            else:
                kinds, judged = self.classes.told(
                    kinds, some[ROWS:RR], some[TIME], some[RR], float(next_s[stop]), value
                )
            times, rr = (epoch_s + some[TIME]).tolist(), some[RR].tolist()
            told += [
                Beat("beat", stream, t_s, rr_s if rr_s == rr_s else None, sound, *of)
                for t_s, rr_s, sound, of in zip(times, rr, good, judged, strict=True)
            ]
            told.append(Vital("ecg_quality", stream, epoch_s + i * BLOCK_S, value))
        return kinds


SIGNAL = EcgBeats()
