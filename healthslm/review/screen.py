"""A picture of a terminal: captured output with its colours, as one SVG file.

Text is set in whatever monospace font the reader has, stretched to the cell grid;
braille, blocks and lines are drawn as shapes, so no font can spoil a strip.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from html import escape
from itertools import groupby
from typing import Any

CELL_W, CELL_H, MARGIN, BAR = 8.4, 18.0, 16.0, 34.0
BACKGROUND, FOREGROUND, FRAME = "#1b1f27", "#d8dee9", "#2b303b"
FONTS = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', monospace"

# The sixteen colours, chosen to be read on BACKGROUND; a terminal lets its user choose them too.
ANSI = (
    *("#4c566a", "#ef6f7b", "#9ccb7f", "#ebc06d", "#7aa7e8", "#c48fd0", "#6fc3c9", "#d8dee9"),
    *("#6c7789", "#ff8b95", "#b5e197", "#ffd98a", "#97c0ff", "#dba9e6", "#8be0e5", "#ffffff"),
)
CUBE = (0, 95, 135, 175, 215, 255)  # the 6 x 6 x 6 levels of xterm's 256 colours

# One escape sequence: CSI with its parameters and final byte, OSC, or any other two bytes.
ESCAPE = re.compile(r"\x1b(?:\[([0-9;?]*)([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)|.)", re.DOTALL)

# Arms of a line character: up, right, down, left.
ARMS = "rl ud rd ld ru lu urd uld rdl url urdl rl"
LINES = dict(zip("─│┌┐└┘├┤┬┴┼━", ARMS.split(), strict=True))


@dataclass(frozen=True, slots=True)
class Style:
    """How a cell is shown; colours are "#rrggbb", None the terminal's own."""

    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    reverse: bool = False
    ink: str | None = None
    paper: str | None = None


PLAIN = Style()
Cell = tuple[str, Style]
_ON = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "reverse"}
_OFF = {22: ("bold", "dim"), 23: ("italic",), 24: ("underline",), 27: ("reverse",)}


def cells(text: str) -> list[list[Cell]]:
    """Return what a terminal would show at the end of `text`, row by row.

    Understood: colours and weights (SGR), carriage return, backspace, tab and erasing
    in the line, which is what progress lines use; other sequences change nothing.
    """
    rows: list[list[Cell]] = [[]]
    style, column, at = PLAIN, 0, 0
    while at < len(text):
        sequence = ESCAPE.match(text, at)
        if sequence:
            at = sequence.end()
            if sequence[2] == "m":
                style = restyled(style, sequence[1])
            elif sequence[2] == "K":
                _erase(rows[-1], column, sequence[1])
            continue
        char, at = text[at], at + 1
        if char == "\n":
            rows.append([])
        if char in "\n\r":
            column = 0
        elif char == "\b":
            column = max(column - 1, 0)
        elif char == "\t":
            column += 8 - column % 8
        elif char.isprintable():
            rows[-1].extend([(" ", PLAIN)] * (column + 1 - len(rows[-1])))
            rows[-1][column] = (char, style)
            column += 1
    while rows and all(char == " " and not s.paper for char, s in rows[-1]):
        rows.pop()
    return rows


def _erase(row: list[Cell], column: int, what: str) -> None:
    if what in ("", "0"):
        del row[column:]
    else:  # 1: up to here; 2: all of it
        upto = len(row) if what == "2" else min(column + 1, len(row))
        row[:upto] = [(" ", PLAIN)] * upto


def restyled(style: Style, parameters: str) -> Style:
    """Return `style` after one SGR sequence, e.g. "1;38;5;208"."""
    codes = iter([int(p or 0) for p in parameters.replace("?", "").split(";")])
    looks: dict[str, Any] = asdict(style)
    for code in codes:
        if code == 0:
            looks = asdict(PLAIN)
        elif code in _ON:
            looks[_ON[code]] = True
        elif code in _OFF:
            looks |= dict.fromkeys(_OFF[code], False)
        elif code in (38, 39):
            looks["ink"] = _extended(codes) if code == 38 else None
        elif code in (48, 49):
            looks["paper"] = _extended(codes) if code == 48 else None
        elif 30 <= code <= 37 or 90 <= code <= 97:
            looks["ink"] = ANSI[code - 30 if code < 90 else code - 82]
        elif 40 <= code <= 47 or 100 <= code <= 107:
            looks["paper"] = ANSI[code - 40 if code < 100 else code - 92]
    return Style(**looks)


def _extended(codes: Iterator[int]) -> str | None:
    form = next(codes, 0)
    if form == 5:
        return colour(next(codes, 0))
    if form == 2:
        return "#" + "".join(f"{next(codes, 0) & 255:02x}" for _ in range(3))
    return None


def colour(number: int) -> str:
    """Return one of xterm's 256 colours.

    >>> colour(208), colour(244)
    ('#ff8700', '#808080')
    """
    if number < 16:
        return ANSI[number]
    if number < 232:
        number -= 16
        return "#" + "".join(f"{CUBE[number // s % 6]:02x}" for s in (36, 6, 1))
    return "#" + f"{8 + 10 * (min(number, 255) - 232):02x}" * 3


def picture(text: str, *, title: str = "healthslm", columns: int = 80) -> str:
    """Return captured terminal output as SVG; longer lines widen the picture."""
    rows = cells(text)
    columns = max([columns, *map(len, rows)])
    width, height = 2 * MARGIN + columns * CELL_W, BAR + MARGIN + len(rows) * CELL_H
    lights = "".join(
        f'<circle cx="{MARGIN + 4 + 18 * n:g}" cy="{BAR / 2:g}" r="5.5" fill="{c}"/>'
        for n, c in enumerate(("#ef6f7b", "#ebc06d", "#9ccb7f"))
    )
    body = "\n".join(
        part for r, row in enumerate(rows) for part in _row(row, BAR + MARGIN / 2 + r * CELL_H)
    )
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" \
height="{height:g}" role="img">
<title>{escape(title)}</title>
<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>
<path d="M0,{BAR:g}V8a8,8 0 0 1 8,-8H{width - 8:g}a8,8 0 0 1 8,8V{BAR:g}z" fill="{FRAME}"/>
{lights}
<text x="{width / 2:g}" y="{BAR / 2 + 4.5:g}" text-anchor="middle" font-size="13" \
font-family="{FONTS}" fill="#aeb6c4">{escape(title)}</text>
<g font-family="{FONTS}" font-size="14" xml:space="preserve" fill="{FOREGROUND}">
{body}
</g>
</svg>
"""


def _row(row: list[Cell], y: float) -> Iterator[str]:
    """Yield one line's shapes: papers, then text and drawings by runs of one look."""
    spots = [(MARGIN + n * CELL_W, char, style) for n, (char, style) in enumerate(row)]
    for style, group in groupby(spots, key=lambda spot: spot[2]):
        run = list(group)
        paper = (style.ink or FOREGROUND) if style.reverse else style.paper
        if paper:
            wide = len(run) * CELL_W
            place = f'x="{run[0][0]:.1f}" y="{y:g}" width="{wide:.1f}" height="{CELL_H:g}"'
            yield f'<rect {place} fill="{paper}"/>'
        for draw, same in groupby(run, key=lambda spot: _drawing(spot[1])):
            part = list(same)
            if draw:
                path = "".join(draw(char, x, y) for x, char, _ in part)
                if path:
                    yield f'<path d="{path}" {_ink(style, dots=draw is _braille)}/>'
            else:
                yield from _words(part, y, style)


def _words(run: list[tuple[float, str, Style]], y: float, style: Style) -> Iterator[str]:
    text = "".join(char for _, char, _ in run)
    short = text.strip()
    if short:
        x = run[len(text) - len(text.lstrip())][0]
        # Half the letters' height under the middle of the cell is where their feet stand.
        yield (
            f'<text x="{x:.1f}" y="{y + 13.2:g}" textLength="{len(short) * CELL_W:.1f}" '
            f'lengthAdjust="spacingAndGlyphs" {_ink(style)}{_weight(style)}>{escape(short)}</text>'
        )


def _weight(style: Style) -> str:
    looks = {
        "font-weight": style.bold and "bold",
        "font-style": style.italic and "italic",
        "text-decoration": style.underline and "underline",
    }
    return "".join(f' {name}="{value}"' for name, value in looks.items() if value)


def _ink(style: Style, *, dots: bool = False) -> str:
    ink = (style.paper or BACKGROUND if style.reverse else style.ink) or FOREGROUND
    dim = ' opacity="0.6"' if style.dim else ""
    if dots:
        return f'fill="none" stroke="{ink}" stroke-width="3" stroke-linecap="round"{dim}'
    return f'fill="{ink}"{dim}'


Drawing = Callable[[str, float, float], str]


def _drawing(char: str) -> Drawing | None:
    """Return how a character is drawn, or None if the font sets it."""
    if "\u2800" <= char <= "\u28ff":
        return _braille
    if "\u2581" <= char <= "\u258f":
        return _block
    return _line if char in LINES else None


def _braille(char: str, x: float, y: float) -> str:
    """Bit n of the code is dot n + 1 (Unicode 15, chapter 21.1); a dot is a line of no length."""
    bits = ord(char) - 0x2800
    places = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
    across, down = CELL_W / 2, CELL_H / 4
    return "".join(
        f"M{x + across * (a + 0.5):.1f},{y + down * (d + 0.5):.1f}h0"
        for n, (a, d) in enumerate(places)
        if bits >> n & 1
    )


def _block(char: str, x: float, y: float) -> str:
    """Eighths of a cell: U+2581-2588 grow from below, U+2589-258F shrink to the left."""
    eighths = ord(char) - 0x2580
    if eighths <= 8:
        high = CELL_H * eighths / 8
        return f"M{x:.1f},{y + CELL_H:.2f}v{-high:.2f}h{CELL_W}v{high:.2f}z"
    return f"M{x:.1f},{y:g}h{CELL_W * (16 - eighths) / 8:.2f}v{CELL_H:g}H{x:.1f}z"


def _line(char: str, x: float, y: float) -> str:
    """Arms from the middle of the cell to its edges, as thin boxes."""
    half = 1.5 if char == "━" else 0.6
    cx, cy = x + CELL_W / 2, y + CELL_H / 2
    boxes = {
        "u": (cx - half, y, cx + half, cy + half),
        "d": (cx - half, cy - half, cx + half, y + CELL_H),
        "l": (x, cy - half, cx + half, cy + half),
        "r": (cx - half, cy - half, x + CELL_W, cy + half),
    }
    return "".join(
        f"M{a:.1f},{b:.1f}H{c:.1f}V{d:.1f}H{a:.1f}z"
        for a, b, c, d in (boxes[arm] for arm in LINES[char])
    )
