"""Order, repeats, gaps and clocks: from the frames of one person to one line of samples each.

Pure: the time is an argument. See docs/wire-format.md, "Sequence" and "Time".
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from healthslm.errors import BadMessage
from healthslm.ingest.units import physical
from healthslm.records import Chunk, Frame, Gap

PAST_S = 7 * 86_400.0
FUTURE_S = 300.0
TOLERANCE_S = 2.0  # a crystal 50 ppm off takes 11 h to drift so far
MAX_LANES = 64  # one person wears a handful


@dataclass(frozen=True, slots=True)
class Taken:
    """The frame is new; store it.

    chunk  What to analyse; None where the sensor's clock went back over time already seen.
    gap    What is missing before it.
    """

    chunk: Chunk | None
    gap: Gap | None


@dataclass(frozen=True, slots=True)
class Repeat:
    """The frame was taken before; acknowledge it again."""


@dataclass(frozen=True, slots=True)
class Wait:
    """The frame came too soon; ask its sensor for everything from `due` on."""

    due: int


class Line(msgspec.Struct, frozen=True, array_like=True):
    """Where one stream stands.

    `index` counts samples of the whole line: it goes on over boots and clock steps, where
    it jumps, so that a jump always means missing evidence.
    """

    boot: int
    due: int  # sequence number
    index: int = -1  # of the next sample; -1 before the first
    end_s: float = 0.0  # time of the next sample
    fs: float = 0.0
    epoch_s: float = 0.0  # time of index 0
    shift: int = 0  # index of a sample minus the sensor's own
    anchored: bool = False  # fs, epoch_s and shift hold for this boot


class Intake:
    """Takes each frame of one person once and in order; bounded, and exact after a restart."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self._lines: dict[str, Line] = {}

    def accept(self, frame: Frame, now_s: float | None) -> Taken | Repeat | Wait:
        """Place `frame` on its line.

        Parameters
        ----------
        frame
            A frame that `native.decode` let pass.
        now_s
            The daemon's clock, UTC seconds; None in a replay, where any time is right.

        Raises
        ------
        BadMessage
            "time", "order" or "lanes": set the frame aside; its number counts as received.
        """
        line = self._lines.get(frame.name)
        if line is None and len(self._lines) >= MAX_LANES:
            raise self.refuse("lanes")
        if line is None or frame.boot > line.boot:
            old = line or Line(0, 0)
            line = msgspec.structs.replace(old, boot=frame.boot, due=0, anchored=False)
        if frame.boot < line.boot or frame.seq < line.due:
            self.count("repeat")
            return Repeat()
        first = max(line.due, frame.seq if frame.kept is None else frame.kept)
        if frame.seq > first:  # its sensor still has what stands between
            self.count("wait")
            return Wait(first)
        line = msgspec.structs.replace(line, due=frame.seq + 1)
        self._lines[frame.name] = line
        if now_s is not None and not now_s - PAST_S <= frame.t_s <= now_s + FUTURE_S:
            raise self.refuse("time")
        return self._place(line, frame)

    def due(self) -> dict[str, tuple[int, int]]:
        """Return, by stream, the boot and the sequence number it should go on with."""
        return {name: (line.boot, line.due) for name, line in self._lines.items()}

    def refuse(self, reason: str) -> BadMessage:
        """Count a refused message and return the error to raise."""
        self.count(reason)
        return BadMessage(reason)

    def count(self, what: str) -> None:
        """Count one more of `what`."""
        self.counts[what] = self.counts.get(what, 0) + 1

    def snapshot(self) -> bytes:
        """Return everything the next `accept` depends on; equal states give equal bytes."""
        return msgspec.msgpack.encode((self.counts, self._lines), order="deterministic")

    def restore(self, data: bytes) -> None:
        """Go on from a snapshot."""
        kind = tuple[dict[str, int], dict[str, Line]]
        self.counts, self._lines = msgspec.msgpack.decode(data, type=kind)

    def _place(self, line: Line, frame: Frame) -> Taken:
        """Take the samples: on where they should be, after a gap, or not at all."""
        same = line.anchored and line.fs == frame.fs
        index = frame.start + (line.shift if line.anchored else 0)
        if same and index < line.index:
            raise self.refuse("order")
        if not same or abs(frame.t_s - line.epoch_s - index / frame.fs) > TOLERANCE_S:
            if line.index >= 0 and frame.t_s < line.end_s - TOLERANCE_S:
                self.count("overlap")
                self.count("taken")
                return Taken(None, None)
            index = max(index, line.index + 1)
            t_s = frame.t_s if line.index < 0 else max(frame.t_s, line.end_s)
            line = msgspec.structs.replace(
                line,
                fs=frame.fs,
                epoch_s=t_s - index / frame.fs,
                shift=index - frame.start,
                anchored=True,
            )
        self.count("taken")
        chunk = physical(frame, line.epoch_s, index)
        gap = _gap(self._lines[frame.name], chunk)
        if gap is not None:
            self.count("gap")
        self._lines[frame.name] = msgspec.structs.replace(
            line, index=index + frame.count, end_s=chunk.end_s
        )
        return Taken(chunk, gap)


def _gap(line: Line, chunk: Chunk) -> Gap | None:
    """Return what is missing between the end of `line` and `chunk`."""
    missing = round((chunk.t_s - line.end_s) * chunk.fs)
    if line.index < 0 or missing < 1:
        return None
    return Gap(chunk.stream, line.end_s, chunk.t_s, missing)
