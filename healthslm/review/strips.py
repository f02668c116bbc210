"""ECG strips: raw samples as a clinician reads them, in a terminal or as SVG.

Raw samples end here: on the screen of the board, for its owner.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from scipy.signal import butter, sosfiltfilt

from healthslm.ingest.units import physical
from healthslm.review.timeline import when

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from healthslm.records import FloatArray, Frame

MM_PER_S = 25.0
DOTS_PER_S = 14
DOTS_PER_MM = DOTS_PER_S / MM_PER_S
GAINS_MM_PER_MV = (40.0, 30.0, 20.0, 15.0, 10.0, 7.5, 5.0, 2.5, 1.0)

# Bits of a braille cell, by dot row and dot column (Unicode 15, chapter 21.1).
DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """A stretch of one lead.

    values  Shape (n,), mV; NaN where nothing was read.
    """

    stream: str
    t0_s: float
    fs: float
    values: FloatArray
    filter: str = "none"

    @property
    def lead(self) -> str:
        """The lead by its stream's name ("chest/ecg-v5" is V5), if it has one."""
        name = self.stream.partition("/")[2].partition("-")[2]
        return f"lead {name.upper()}" if name else "lead not stated"

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.values) / self.fs


def cut(frames: Iterable[Frame], stream: str, t0_s: float, t1_s: float) -> Strip | None:
    """Return what `stream` read between two times, or None if it read nothing.

    Raises
    ------
    ValueError
        The stream is no ECG.
    """
    if stream.partition("/")[2].partition("-")[0] != "ecg":
        raise ValueError(f"{stream} is no ECG")
    own = [f for f in frames if f.name == stream and f.t_s < t1_s and _end_s(f) > t0_s]
    if not own:
        return None
    fs = own[0].fs
    values = np.full(round((t1_s - t0_s) * fs), np.nan)
    for frame in own:
        at = round((frame.t_s - t0_s) * fs)
        part = physical(frame, frame.t_s).values
        low, high = max(at, 0), min(at + len(part), len(values))
        if frame.fs == fs and low < high:
            values[low:high] = part[low - at : high - at]
    return Strip(stream, t0_s, fs, values) if np.isfinite(values).any() else None


def _end_s(frame: Frame) -> float:
    return frame.t_s + frame.count / frame.fs


def monitor(strip: Strip, low_hz: float = 0.5, high_hz: float = 40.0) -> Strip:
    """Return the strip through the customary monitoring band, without delay.

    A second-order Butterworth band-pass, run forwards and backwards over each run of
    samples; runs under a second only lose their mean. For rhythm, not for ST segments:
    those need 0.05-150 Hz (Kligfield et al. 2007, doi:10.1161/CIRCULATIONAHA.106.180200).
    """
    high_hz = min(high_hz, 0.45 * strip.fs)
    sos = butter(2, (low_hz, high_hz), "bandpass", fs=strip.fs, output="sos")
    values = strip.values.copy()
    read = np.flatnonzero(np.isfinite(values))
    for run in np.split(read, np.flatnonzero(np.diff(read) > 1) + 1):
        x = values[run]
        values[run] = sosfiltfilt(sos, x) if len(run) >= strip.fs else x - x.mean()
    return replace(strip, values=values, filter=f"{low_hz:g}-{high_hz:g} Hz")


def crop(strip: Strip, t0_s: float, t1_s: float) -> Strip:
    """Return the part of a strip between two times (a filter needs a run-up; a reader does not)."""
    low = max(round((t0_s - strip.t0_s) * strip.fs), 0)
    high = round((t1_s - strip.t0_s) * strip.fs)
    return replace(strip, t0_s=strip.t0_s + low / strip.fs, values=strip.values[low:high])


def braille(
    strip: Strip, zone: str, mark: tuple[float, float] | None = None, *, rows: int = 8
) -> str:
    """Return a strip of 80 columns: two dots across and four down in every cell.

    Each dot column is inked from the least to the greatest sample that falls into it,
    so the narrowest R peak is drawn at its full height. One second is 14 dots, which
    stand for 25 mm; the gain is the largest step at which the whole strip fits.

    mark  Start and end of the event, UTC seconds: drawn above the trace.
    """
    width = max(round(strip.seconds * DOTS_PER_S), 2)
    lows, highs = _columns(strip.values, width)
    if not np.isfinite(lows).any():
        return f"{strip.stream}: nothing was read here"
    grid = _Grid.holding(float(np.nanmin(lows)), float(np.nanmax(highs)), 4 * rows)
    ink = np.zeros((grid.rows, width + width % 2), bool)
    upper, lower = grid.row(highs), grid.row(lows)
    for x in np.flatnonzero(np.isfinite(lows)).tolist():
        ink[upper[x] : lower[x] + 1, x] = True
    body = [
        f"{grid.margin(4 * r)}{left} {right}"
        for r, (left, right) in enumerate(zip(_cells(grid.pulse()), _cells(ink), strict=True))
    ]
    unread = "" if np.isfinite(strip.values).all() else "; blank: nothing was read"
    label = (
        f"{strip.lead}; 25 mm/s, {grid.gain:g} mm/mV (pulse = 1 mV); filter {strip.filter}; "
        f"{strip.fs:g} Hz{unread}"
    )
    fine = f"drawn to ±{500 / DOTS_PER_S:.0f} ms, ±{0.5 / grid.dots_per_mv:.2f} mV"
    title = f"{strip.stream}, {when(strip.t0_s, zone)}, {strip.seconds:g} s"
    above = [_marked(strip, mark, width // 2)] if mark else []
    return "\n".join([title, *above, *body, *_axis(strip, width // 2), label, fine])


@dataclass(frozen=True, slots=True)
class _Grid:
    """The dot rows of a strip, counted from the top."""

    rows: int
    gain: float  # mm/mV
    zero: int  # row of 0 mV; it may lie outside

    @classmethod
    def holding(cls, bottom: float, top: float, rows: int) -> _Grid:
        """Return the grid of the largest gain at which `bottom` to `top` (mV) fits."""
        tall = [(top - bottom) * gain * DOTS_PER_MM for gain in GAINS_MM_PER_MV]
        fits = [g for g, dots in zip(GAINS_MM_PER_MV, tall, strict=True) if dots <= rows - 1]
        gain = fits[0] if fits else GAINS_MM_PER_MV[-1]
        middle = (top + bottom) / 2 * gain * DOTS_PER_MM
        return cls(rows, gain, round((rows - 1) / 2 + middle))

    @property
    def dots_per_mv(self) -> float:
        return self.gain * DOTS_PER_MM

    def row(self, mv: FloatArray) -> NDArray[np.int64]:
        """Return the dot rows of values; what does not fit is drawn at the edge."""
        at = np.nan_to_num(np.rint(self.zero - mv * self.dots_per_mv))
        dots: NDArray[np.int64] = np.clip(at, 0, self.rows - 1).astype(np.int64)
        return dots

    def pulse(self) -> NDArray[np.bool_]:
        """Return 1 mV for 0.2 s, shape (rows, 4)."""
        ink = np.zeros((self.rows, 4), bool)
        foot, head = self.row(np.array([0.0, 1.0])).tolist()
        ink[head, 1:3] = True
        ink[head : foot + 1, [0, 3]] = True
        return ink

    def margin(self, dot: int) -> str:
        """Return the margin of the line that begins at a dot row: values at top, 0 and bottom."""
        if dot <= self.zero < dot + 4:
            return "    0 ┼"
        if dot in (0, self.rows - 4):
            return f"{(self.zero - dot - 1.5) / self.dots_per_mv:+5.1f} ┤"
        return "   mV │" if dot == 4 else "      │"


def _columns(values: FloatArray, width: int) -> tuple[FloatArray, FloatArray]:
    """Return the least and the greatest sample of each column, each joined to its neighbour.

    Both of shape (width,), mV; NaN where nothing was read.
    """
    of = np.minimum(np.arange(len(values)) * width // len(values), width - 1)
    lows, highs = np.full(width, np.inf), np.full(width, -np.inf)
    read = np.isfinite(values)
    np.minimum.at(lows, of[read], values[read])
    np.maximum.at(highs, of[read], values[read])
    # The line from the last sample of one column to the first of the next is inked too.
    joint = np.flatnonzero(read[:-1] & read[1:] & (of[:-1] != of[1:]))
    np.minimum.at(lows, of[joint + 1], values[joint])
    np.maximum.at(highs, of[joint + 1], values[joint])
    empty = ~np.isfinite(lows)
    lows[empty] = highs[empty] = np.nan
    return lows, highs


def _cells(ink: NDArray[np.bool_]) -> list[str]:
    """Return dots of shape (4 * rows, 2 * columns) as rows of braille characters."""
    rows, columns = ink.shape[0] // 4, ink.shape[1] // 2
    cells = ink.reshape(rows, 4, columns, 2).transpose(0, 2, 1, 3)
    codes = 0x2800 + (cells * DOTS).sum((2, 3))
    return ["".join(map(chr, line)) for line in codes.tolist()]


def _axis(strip: Strip, cells: int) -> list[str]:
    ticks = {round(s * cells / strip.seconds): s for s in range(int(strip.seconds) + 1)}
    line = "".join("┴" if c in ticks else "─" for c in range(cells))
    labels = [" "] * cells
    for c, s in ticks.items():
        text = f"{s} s" if s else "0"
        if c + len(text) <= cells:
            labels[c : c + len(text)] = text
    return [" " * 6 + "└" + "─" * 3 + line, " " * 10 + "".join(labels).rstrip()]


def _marked(strip: Strip, mark: tuple[float, float], cells: int) -> str:
    first, last = (int((t - strip.t0_s) / strip.seconds * cells) for t in mark)
    line = [" "] * cells
    for c in range(max(first, 0), min(last, cells - 1) + 1):
        line[c] = "─"
    if 0 <= first < cells:
        line[first] = "├" if last > first else "▼"
    if first < last < cells and last >= 0:
        line[last] = "┤"
    return f"event{' ' * 5}{''.join(line)}".rstrip()


def svg_strip(strip: Strip, zone: str, mark: tuple[float, float] | None = None) -> str:
    """Return a strip as SVG at 25 mm/s and 10 mm/mV on a millimetre grid.

    Its size is in millimetres, so that a print at 100 % can be measured with a ruler.
    The pulse at the left is 1 mV for 0.2 s.
    """
    finite = strip.values[np.isfinite(strip.values)]
    top = max(np.ceil(finite.max() * 2) / 2, 1.5) if finite.size else 1.5
    bottom = min(np.floor(finite.min() * 2) / 2, -1.0) if finite.size else -1.0
    left, head = 10.0, 10.0
    wide, high = left + strip.seconds * MM_PER_S, (top - bottom) * 10.0
    zero = head + top * 10.0
    label = (
        f"{strip.stream}, {strip.lead}, {when(strip.t0_s, zone)}, 25 mm/s, 10 mm/mV, "
        f"filter {strip.filter}, {strip.fs:g} Hz"
    )
    trace = _path(left, zero, strip)
    span = ""
    if mark:
        a, b = (left + min(max(t - strip.t0_s, 0.0), strip.seconds) * MM_PER_S for t in mark)
        width = max(b - a, 0.5)
        span = f'<rect x="{a:.2f}" y="{head - 2}" width="{width:.2f}" height="1" fill="#b00020"/>\n'
    pulse = f"M2,{zero:.2f}h1.5v-10h5v10h1.5"
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" width="{wide:g}mm" height="{head + high:g}mm" \
viewBox="0 0 {wide:g} {head + high:g}">
<title>{escape(label)}</title>
<defs>
<pattern id="mm" width="1" height="1" patternUnits="userSpaceOnUse" y="{head:g}">\
<path d="M0,0H1M0,0V1" stroke="#f7c9cf" stroke-width="0.1"/></pattern>
<pattern id="cm" width="5" height="5" patternUnits="userSpaceOnUse" y="{head:g}">\
<path d="M0,0H5M0,0V5" stroke="#ee9aa6" stroke-width="0.3"/></pattern>
</defs>
<rect width="100%" height="100%" fill="#fffafa"/>
<rect y="{head:g}" width="{wide:g}" height="{high:g}" fill="url(#mm)"/>
<rect y="{head:g}" width="{wide:g}" height="{high:g}" fill="url(#cm)"/>
<text x="2" y="5" font-family="sans-serif" font-size="3.2" fill="#333">{escape(label)}</text>
{span}<path d="{pulse}" fill="none" stroke="#111" stroke-width="0.3"/>
<path d="{trace}" fill="none" stroke="#111" stroke-width="0.25" stroke-linejoin="round"/>
</svg>
"""


def _path(left: float, zero: float, strip: Strip) -> str:
    """Return the trace as an SVG path in millimetres; it breaks where nothing was read."""
    x = left + np.arange(len(strip.values)) / strip.fs * MM_PER_S
    y = zero - strip.values * 10.0
    read = np.flatnonzero(np.isfinite(y))
    runs = np.split(read, np.flatnonzero(np.diff(read) > 1) + 1)
    return "".join(
        "M" + " ".join(f"{a:.2f},{b:.2f}" for a, b in zip(x[r], y[r], strict=True))
        for r in runs
        if len(r)
    )
