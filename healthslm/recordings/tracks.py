"""The nouns of a recording, and how it is cut into the frames a sensor would send."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from math import isfinite
from random import Random
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from healthslm.errors import RecordingError
from healthslm.ingest import UNITS, named
from healthslm.ingest.native import MAX_FS_HZ, MAX_INT, MAX_SCALE, MAX_T_S
from healthslm.records import MAX_SPAN_S, MISSING, Frame

FloatArray: TypeAlias = NDArray[np.float64]
Int16Array: TypeAlias = NDArray[np.int16]

BEATS_HZ = 10.0  # slower than this no signal shows a heart beat
FAST_S = 5.0  # longest frame of a stream of 1 Hz and more: docs/wire-format.md
SLOW_S = 60.0  # longest frame of a slower stream
MAX_SAMPLES = 30_000  # 60,000 bytes: leaves room for the header in a 64 KiB frame


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Equally spaced samples of one stream, without a hole.

    samples  Shape (n,), n >= 1. Physical value = sample * gain + offset; `MISSING`
             where the sensor had no reading.
    """

    device: str
    stream: str  # "ecg", or "ecg-v5": the kind stands before the dash
    boot: int
    start: int  # index of samples[0] since the boot
    epoch_s: float  # UTC seconds of sample index 0
    fs: float  # Hz
    unit: str  # UCUM
    gain: float
    offset: float
    samples: Int16Array
    continuous: bool = True  # False: what lies before `start` was sampled, sent, and lost

    @property
    def lane(self) -> str:
        """Name of the stream: "chest/ecg"."""
        return f"{self.device}/{self.stream}"

    @property
    def kind(self) -> str:
        """What is measured: "ecg" for the stream "ecg-v5"."""
        return self.stream.partition("-")[0]

    @property
    def t0_s(self) -> float:
        """Time of the first sample."""
        return self.epoch_s + self.start / self.fs

    @property
    def t1_s(self) -> float:
        """Time at which the sample after the last would be due."""
        return self.epoch_s + (self.start + len(self.samples)) / self.fs

    @property
    def values(self) -> FloatArray:
        """Physical values, shape (n,), in `unit`; NaN where there is none."""
        values: FloatArray = self.samples.astype(np.float64) * self.gain + self.offset
        values[self.samples == MISSING] = np.nan
        return values


@dataclass(frozen=True, slots=True)
class Event:
    """What truly happened, as the simulator or an annotator labels it."""

    kind: str
    t0_s: float
    t1_s: float
    level: float | None = None  # the extreme it reaches, in the unit of its signal


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """Reference annotations of one lane, oldest first.

    samples  Shape (n,): sample index in the lane.
    """

    samples: NDArray[np.int64]
    symbols: tuple[str, ...]  # WFDB mnemonics: "N", "V", "+" ...
    aux: tuple[str, ...]  # "(AFIB" at a change of rhythm; mostly empty

    def __len__(self) -> int:
        return len(self.symbols)

    def only(self, symbols: str | frozenset[str]) -> Marks:
        """Return the marks that carry one of `symbols`."""
        keep = [i for i, symbol in enumerate(self.symbols) if symbol in symbols]
        return Marks(
            self.samples[keep],
            tuple(self.symbols[i] for i in keep),
            tuple(self.aux[i] for i in keep),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """Everything one person's sensors recorded, with what is known to be true of it."""

    name: str
    tracks: tuple[Track, ...]
    events: tuple[Event, ...] = ()
    beats: Mapping[str, Marks] = field(default_factory=dict)  # by lane: beat labels alone
    notes: Mapping[str, Marks] = field(default_factory=dict)  # by lane: every annotation
    dated: bool = True  # False: `epoch_s` is not a real date

    @property
    def t0_s(self) -> float:
        """Time of the first sample of any track."""
        return min(track.t0_s for track in self.tracks)

    @property
    def t1_s(self) -> float:
        """End of the last track."""
        return max(track.t1_s for track in self.tracks)

    def moved(self, base_s: float) -> Recording:
        """Return the same recording with its first sample at `base_s` (UTC seconds)."""
        by_s = base_s - self.t0_s
        return replace(
            self,
            tracks=tuple(replace(t, epoch_s=t.epoch_s + by_s) for t in self.tracks),
            events=tuple(replace(e, t0_s=e.t0_s + by_s, t1_s=e.t1_s + by_s) for e in self.events),
            dated=True,
        )


def checked(recording: Recording) -> Recording:
    """Return `recording`, if sensors that keep to docs/wire-format.md could have sent it.

    Raises
    ------
    RecordingError
        A track is of an unknown kind or unit, or one of its numbers is out of bounds.
    """
    for track in recording.tracks:
        if not (named(track.device) and named(track.stream)):
            raise RecordingError("a device or stream has a name that no topic may have")
        if track.unit not in UNITS.get(track.kind, ()):
            raise RecordingError(f"{track.lane}: a kind or unit we do not know")
        if not (
            (BEATS_HZ if track.kind in ("ecg", "ppg") else 1 / MAX_SPAN_S) <= track.fs <= MAX_FS_HZ
            and 0 <= track.epoch_s <= MAX_T_S
            and 0 <= track.start <= MAX_INT
            and 0 <= track.boot <= MAX_INT
            and all(isfinite(x) and abs(x) <= MAX_SCALE for x in (track.gain, track.offset))
            and track.gain != 0
            and len(track.samples) > 0
        ):
            raise RecordingError(f"{track.lane}: a number is out of bounds")
    if not recording.tracks:
        raise RecordingError("there is no track")
    return recording


def quantised(values: FloatArray, gain: float, offset: float = 0.0) -> Int16Array:
    """Return `values` as int16 of `gain` and `offset`, clipped; NaN becomes `MISSING`."""
    missing = np.isnan(values)
    raw = np.rint((np.where(missing, offset, values) - offset) / gain)
    samples = np.clip(raw, -32767, 32767).astype(np.int16)
    samples[missing] = MISSING
    return samples


def frames(
    recording: Recording, *, cuts: Random | None = None, base_s: float | None = None
) -> Iterator[Frame]:
    """Yield the recording as its sensors would have sent it, in order of frame end.

    Parameters
    ----------
    cuts
        Cut every stream at random instead of every 5 s (60 s below 1 Hz): what comes of
        the frames must not depend on it.
    base_s
        Move the recording so that its first sample falls here (UTC seconds).

    Raises
    ------
    RecordingError
        Tracks of one stream overlap.
    """
    if base_s is not None:
        recording = recording.moved(base_s)
    order = sorted(recording.tracks, key=lambda t: (t.lane, t.boot, t.start))
    lanes = [_lane(tuple(tracks), cuts) for _, tracks in groupby(order, key=lambda t: t.lane)]
    for _, _, frame in heapq.merge(*lanes, key=lambda item: item[:2]):
        yield frame


def _lane(tracks: tuple[Track, ...], cuts: Random | None) -> Iterator[tuple[float, str, Frame]]:
    """Yield (end, lane, frame) of one stream; `seq` counts on from track to track of a boot."""
    boot, seq, due = None, 0, 0
    for track in tracks:
        if track.boot != boot:
            boot, seq, due = track.boot, 0, 0
        elif not track.continuous:
            seq += 1  # at least one frame was lost on the way
        if track.start < due:
            raise RecordingError(f"two tracks of {track.lane} overlap")
        data = track.samples.astype("<i2", copy=False)
        at = 0
        while at < len(data):
            n = min(_length(track, cuts), len(data) - at)
            yield _frame(track, seq, at, data[at : at + n])
            at, seq = at + n, seq + 1
        due = track.start + len(data)


def _length(track: Track, cuts: Random | None) -> int:
    """Return the number of samples of the next frame."""
    if cuts is None:
        span_s = FAST_S if track.fs >= 1 else SLOW_S
        return max(1, min(MAX_SAMPLES, int(span_s * track.fs + 1e-6)))
    longest = max(1, min(MAX_SAMPLES, int(MAX_SPAN_S * track.fs + 1e-6)))
    # Log-uniform: one sample is as likely a length as a minute is.
    return min(longest, int(float(longest + 1) ** cuts.random()))


def _frame(track: Track, seq: int, at: int, data: Int16Array) -> tuple[float, str, Frame]:
    start = track.start + at
    t_s = track.epoch_s + start / track.fs
    end_s = track.epoch_s + (start + len(data)) / track.fs
    frame = Frame(
        device=track.device,
        stream=track.stream,
        boot=track.boot,
        seq=seq,
        start=start,
        t_s=t_s,
        fs=track.fs,
        unit=track.unit,
        gain=track.gain,
        offset=track.offset,
        samples=data.tobytes(),
    )
    return end_s, track.lane, frame
