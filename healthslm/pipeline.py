"""Signals and detectors of one person, wired by the kinds they read.

One lane is one stage and one stream, so two sensors never mix their evidence. What a
stage puts out is carried through everything that reads it before the next output is
looked at: the order in which a lane sees its input does not depend on how the stream
was cut.

A detector may also name `context`: kinds from any stream ("activity"), or "tick". Its
lane then waits until time has passed for all of them, and hands over in order of time.
It waits `PATIENCE_S` at most, so a sensor that is silent delays, and never blocks.

Spectra go from stage to stage, too, and are never put out.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left, insort
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import msgspec

from healthslm import detect, signals
from healthslm.records import MAX_SPAN_S, Beat, Chunk, Derived, Finding, Spectrum, Tick, Vital
from healthslm.stage import Stage, array, freeze, thaw

LATENCY_S = 30.0
"""No stage's outputs lag its input by more; the conformance suite asks each of them."""

PATIENCE_S = MAX_SPAN_S + LATENCY_S
TICK_S = 60.0
SILENCE_S = 86_400.0  # of a longer one only the first day and the end tick
BACK_S = 3600.0  # a clock that goes back so far was wrong before
LAST = "\uffff"  # sorts after every kind

Item = Chunk | Beat | Vital | Spectrum | Tick
_ITEMS: dict[str, type[Any]] = {c.__name__: c for c in (Chunk, Beat, Vital, Spectrum, Tick)}


@dataclass(slots=True)
class _Lane:
    """A stage at work on one stream, and the items that wait for their context."""

    stage: Stage[Any]
    state: Any
    pending: list[Item] = field(default_factory=list)
    newest_s: dict[str, float] = field(default_factory=dict)  # by kind; "": its own stream

    @property
    def context(self) -> tuple[str, ...]:
        return getattr(self.stage, "context", ())

    def take(self, item: Item, horizon_s: float) -> list[Item]:
        """Return what may be handed to the stage now, oldest first.

        horizon_s  nothing older can come from any stream.
        """
        if not self.context:
            return [item]
        kind = _kind(item)
        self.newest_s[kind if kind in self.context else ""] = item.t_s
        insort(self.pending, item, key=_order)
        end = bisect_left(self.pending, self._settled(horizon_s), key=_order)
        ready = self.pending[:end]
        del self.pending[:end]
        return ready

    def _settled(self, horizon_s: float) -> tuple[float, str, str]:
        """Return the place in the order before which nothing more can come."""
        if "tick" in self.context:  # ticks come for certain, and long after the data
            return (self.newest_s.get("tick", float("-inf")), LAST, "")
        newest = (self.newest_s.get(kind, float("-inf")) for kind in ("", *self.context))
        return (max(horizon_s, min(newest)), "", "")


class Pipeline:
    """Chunks in, beats, vitals and findings out.

    Parameters
    ----------
    signals, detectors
        Stages by name; by default every one that the packages hold.
    """

    def __init__(
        self,
        signal_stages: Mapping[str, Stage[Any]] | None = None,
        detectors: Mapping[str, Stage[Any]] | None = None,
    ) -> None:
        first = signals.signals() if signal_stages is None else signal_stages
        then = detect.detectors() if detectors is None else detectors
        self._stages: dict[str, Stage[Any]] = {**first, **then}
        self._hears = _hears(self._stages)
        contexts = {k for stage in self._stages.values() for k in getattr(stage, "context", ())}
        self._contexts = contexts - {"tick"}
        self._lanes: dict[tuple[str, str], _Lane] = {}
        self._recent: list[Item] = []  # context that a lane yet to come will need
        self._newest_s = float("-inf")
        self._tick_s = float("-inf")

    def feed(self, item: Item) -> list[Derived]:
        """Take a chunk, or the news that time has come so far; return what it led to.

        Chunks come in order of their ends, and none is longer than `MAX_SPAN_S`: then the
        outputs do not depend on where the streams were cut. A beat or a vital that a sensor
        found itself (a chest strap tells intervals, not an ECG) is taken likewise, in order
        of time; it is not among the outputs.
        """
        out: list[Derived] = []
        if isinstance(item, Tick) and item.t_s < self._newest_s - BACK_S:
            self._newest_s, self._tick_s = item.t_s, item.t_s // TICK_S * TICK_S
        self._newest_s = max(self._newest_s, item.end_s if isinstance(item, Chunk) else item.t_s)
        if not isinstance(item, Tick):
            self._carry(item, out)
        if self._tick_s == float("-inf"):
            self._tick_s = item.t_s // TICK_S * TICK_S
        self._tick(out)
        return out

    def _carry(self, item: Item, out: list[Derived]) -> None:
        """Take one item through every lane that reads it, and what comes of it likewise."""
        kind = _kind(item)
        for name, stage, reads in self._hears.get((isinstance(item, Chunk), kind), ()):
            if reads and not isinstance(item, Tick):
                self._work(self._lane(name, stage, item), item, out)
            else:
                for (of, _), lane in list(self._lanes.items()):
                    if of == name:
                        self._work(lane, item, out)
        if kind in self._contexts and not isinstance(item, Chunk):
            if self._recent and self._recent[-1].t_s // TICK_S != item.t_s // TICK_S:
                self._recent = [x for x in self._recent if x.t_s >= item.t_s - 2 * PATIENCE_S]
            self._recent.append(item)

    def _lane(self, name: str, stage: Stage[Any], item: Beat | Chunk | Spectrum | Vital) -> _Lane:
        """Return the lane of a stage and a stream; a new one learns the context of late."""
        key = (name, item.stream)
        if key not in self._lanes:
            self._lanes[key] = lane = _Lane(stage, stage.start())
            self._lanes = dict(sorted(self._lanes.items()))  # in whatever order they began
            for known in self._recent:
                if _kind(known) in lane.context and known.t_s >= item.t_s - PATIENCE_S:
                    lane.take(known, float("-inf"))
        return self._lanes[key]

    def _work(self, lane: _Lane, item: Item, out: list[Derived]) -> None:
        for ready in lane.take(item, self._horizon_s):
            lane.state, results = lane.stage.step(lane.state, ready)
            for result in results:
                if not isinstance(result, Spectrum):
                    out.append(result)
                if not isinstance(result, Finding):
                    self._carry(result, out)

    def _tick(self, out: list[Derived]) -> None:
        """Tick at every whole minute that no stream can still bring data for."""
        end_s = self._horizon_s // TICK_S * TICK_S
        skip_s = self._tick_s + SILENCE_S
        while self._tick_s < end_s:
            self._tick_s = self._tick_s + TICK_S if self._tick_s < skip_s else end_s
            self._carry(Tick(self._tick_s), out)

    @property
    def _horizon_s(self) -> float:
        """Time before which no stream can still bring data."""
        return self._newest_s - PATIENCE_S

    def snapshot(self) -> bytes:
        """Return everything the next `feed` depends on."""
        lanes = [_frozen(key, lane) for key, lane in self._lanes.items()]
        recent = [_pack(x) for x in self._recent]
        return freeze([self._newest_s, self._tick_s, recent, lanes])

    def lighten(self, most: int) -> int:
        """Begin the heaviest lanes anew until the rest deflates to `most` bytes; return how many.

        Their evidence ends, as at a gap.
        """
        recent = _deflated([_pack(x) for x in self._recent])
        if recent > most // 2:
            self._recent, recent = [], 0
        sizes = {key: _deflated(_frozen(key, lane)) for key, lane in self._lanes.items()}
        total, before = recent + sum(sizes.values()), len(sizes)
        for key in sorted(sizes, key=lambda k: (-sizes[k], k)):
            if total <= most:
                break
            total -= sizes[key]
            del self._lanes[key]
        return before - len(self._lanes)

    def restore(self, data: bytes) -> None:
        """Go on from a snapshot.

        A lane whose stage is gone, or keeps its state in another form since, begins anew:
        its evidence ends, as at a gap.
        """
        self._newest_s, self._tick_s, recent, lanes = msgspec.msgpack.decode(data)
        self._recent = [_unpack(x) for x in recent]
        self._lanes = {}
        for name, stream, state, pending, newest_s in lanes:
            stage = self._stages.get(name)
            if stage is None:
                continue
            lane = _Lane(stage, stage.start())
            try:
                lane.state = thaw(stage, state)
                lane.pending = [_unpack(x) for x in pending]
                lane.newest_s = newest_s
            except msgspec.ValidationError:
                lane = _Lane(stage, stage.start())
            self._lanes[name, stream] = lane


def _hears(
    stages: Mapping[str, Stage[Any]],
) -> dict[tuple[bool, str], list[tuple[str, Stage[Any], bool]]]:
    """Return who hears of an item, by whether it is a chunk and by its kind, in their order.

    With each stage stands whether it reads the kind, or takes it as context of its lanes.
    """
    found: dict[tuple[bool, str], list[tuple[str, Stage[Any], bool]]] = {}
    for name, stage in stages.items():
        chunks = getattr(stage, "chunks", False)
        own = {(chunks, kind) for kind in stage.reads}
        for key in [*own, *({(False, kind) for kind in getattr(stage, "context", ())} - own)]:
            found.setdefault(key, []).append((name, stage, key in own))
    return found


def _kind(item: Item) -> str:
    return "tick" if isinstance(item, Tick) else item.kind


def _order(item: Item) -> tuple[float, str, str]:
    return (item.t_s, _kind(item), "" if isinstance(item, Tick) else item.stream)


def _frozen(key: tuple[str, str], lane: _Lane) -> list[Any]:
    return [*key, freeze(lane.state), [_pack(x) for x in lane.pending], lane.newest_s]


def _deflated(packed: list[Any]) -> int:
    return len(zlib.compress(freeze(packed)))


def _pack(item: Item) -> list[Any]:
    return [type(item).__name__, *(getattr(item, f.name) for f in fields(item))]


def _unpack(packed: list[Any]) -> Item:
    name, *values = packed
    if name == "Chunk":
        values[-1] = array(values[-1])
    item: Item = _ITEMS[name](*values)
    return item
