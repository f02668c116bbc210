"""The nouns that everything else speaks of.

Data flows one way: a `Frame` (what a sensor sent) becomes a `Chunk` (physical
units), signal stages turn chunks into `Beat` and `Vital`, detectors turn those
into `Finding`. Frames are raw and never leave the board; the rest is derived.

All are frozen. Time is seconds UTC (`*_s`) outside signals; inside, an integer
sample index with `fs`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:  # records are read by commands that must not load NumPy
    import numpy as np
    from numpy.typing import NDArray

    FloatArray: TypeAlias = NDArray[np.float64]

Severity = Literal["info", "amber", "red"]

MISSING = -32768
"""The raw sample value that stands for "no reading" (int16 minimum)."""

MAX_SPAN_S = 120.0
"""No frame and no chunk spans more: two streams are never further apart in a replay."""


SLOW_KINDS = (
    "spo2",
    "temperature",
    "heart_rate",
    "respiratory_rate",
    "activity",
    "systolic",
    "diastolic",
    "glucose",
)
"""Kinds that a device measures itself and sends as values, seconds, minutes or hours apart."""

Label = Literal["", "N", "S", "V", "Q"]
"""Class of a beat as EC57 has it: normal, supraventricular or ventricular ectopic; Q is paced
or cannot be told; "" was not asked (a pulse has no class)."""


TECHNICAL = frozenset({"poor_signal", "no_data", "swinging_signal"})
"""Kinds of finding that speak of a sensor, not of the person."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Samples as one sensor sent them: integers, a gain and an offset. Raw."""

    device: str  # "chest": the topic's device level
    stream: str  # "ecg", or "ecg-v5": the topic's stream level; the kind stands before the dash
    boot: int  # counts the sensor's starts; sequence numbers begin again with each
    seq: int  # 0, 1, 2 ... within a boot
    start: int  # index of the first sample since the boot
    t_s: float  # UTC seconds of the first sample, by the sensor's clock
    fs: float  # Hz
    unit: str  # UCUM, as sent
    gain: float  # physical = raw * gain + offset
    offset: float
    samples: tuple[int, ...] | bytes  # bytes: little-endian int16
    kept: int | None = None  # oldest seq the sensor still holds; None: it keeps nothing

    @property
    def name(self) -> str:
        """The lane this frame belongs to: "chest/ecg"."""
        return f"{self.device}/{self.stream}"

    @property
    def kind(self) -> str:
        """What is measured: "ecg" for the stream "ecg-v5"."""
        return self.stream.partition("-")[0]

    @property
    def count(self) -> int:
        """Number of samples."""
        return len(self.samples) // 2 if isinstance(self.samples, bytes) else len(self.samples)


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """A run of equally spaced samples in canonical units; NaN where none was read.

    values  Shape (n,), n >= 1. Unit by kind: ecg mV; ppg, respiration 1; spo2 %;
            temperature Cel; heart_rate, respiratory_rate /min; activity, acceleration g;
            systolic, diastolic mm[Hg]; glucose mg/dL. Acceleration comes as x, y, z in turn:
            index % 3 is the axis, and fs counts numbers, three times the axis's rate.
    """

    stream: str  # lane, "chest/ecg"
    kind: str  # "ecg"
    epoch_s: float  # UTC seconds of sample index 0
    fs: float  # Hz
    start: int  # index of values[0]; a start other than the index due is a gap
    values: FloatArray

    @property
    def t_s(self) -> float:
        """Time of the first sample."""
        return self.epoch_s + self.start / self.fs

    @property
    def end_s(self) -> float:
        """Time at which the next sample is due."""
        return self.epoch_s + (self.start + len(self.values)) / self.fs


@dataclass(frozen=True, slots=True)
class Beat:
    """One heart beat: an R peak (`kind` "beat") or a pulse's steepest rise ("pulse")."""

    kind: Literal["beat", "pulse"]
    stream: str
    t_s: float
    rr_s: float | None  # interval to the beat before; None after a gap or an unread span
    good: bool  # the signal around it can be trusted
    label: Label = ""
    qrs_s: float | None = None  # width of the QRS complex


@dataclass(frozen=True, slots=True)
class Vital:
    """One measured or derived value at one time, e.g. "spo2" in %."""

    kind: str
    stream: str
    t_s: float
    value: float


@dataclass(frozen=True, slots=True)
class Spectrum:
    """How the power of some seconds of signal lies over frequency: for other stages, never kept.

    levels  A byte for each bin, dB below the strongest; the grid goes with the kind. Empty
            where nothing moves.
    """

    kind: str  # "motion_spectrum"
    stream: str
    t_s: float  # end of the seconds it is of
    power: float  # mean square within the band, of the signal's unit
    levels: bytes


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a person should know, with the numbers that show it.

    A finding that lasts is told twice: when it is certain (`ongoing`), and when it
    ends. Both carry the same (kind, stream, t0_s); the later one replaces the earlier.
    """

    kind: str
    stream: str
    t0_s: float
    t1_s: float
    severity: Severity
    evidence: tuple[tuple[str, float], ...]
    ongoing: bool = False

    @property
    def key(self) -> tuple[str, str, float]:
        """Identity: what is told again under the same key replaces what was told before."""
        return (self.kind, self.stream, self.t0_s)


@dataclass(frozen=True, slots=True)
class Gap:
    """Samples that never came."""

    stream: str
    t0_s: float
    t1_s: float
    missing: int  # samples


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has come this far, whether or not data came with it."""

    t_s: float


@dataclass(frozen=True, slots=True)
class Summary:
    """What the patient was told about one period."""

    t0_s: float
    t1_s: float
    lang: str
    text: str
    source: str  # "model:<first 12 of its hash>" or "template"


@dataclass(frozen=True, slots=True)
class Alert:
    """What was done about a finding that asks for a person: told, or held back and why.

    `step` is "told", "louder" or "contact" (an unanswered red), "held" (too many already),
    "cleared" or "acknowledged".
    """

    kind: str  # of the finding
    t_s: float
    severity: Severity
    step: str
    t0_s: float  # beginning of the finding
    count: int = 1  # findings it stands for
    reason: str = ""

    @property
    def t1_s(self) -> float:
        """Its end, as of any record: the moment itself."""
        return self.t_s


Derived = Beat | Vital | Finding | Gap | Summary | Alert
