"""Episodes compared, as `epicmp` does for EC57: any overlap finds an episode."""

from __future__ import annotations

from collections.abc import Sequence

from healthslm.recordings import Marks
from healthslm.validate.matching import Span


def rhythm(marks: Marks, fs: float, names: Sequence[str], end_s: float) -> list[Span]:
    """Return the spans of a rhythm, seconds from index 0.

    Parameters
    ----------
    marks
        Every annotation of a lead; those with an aux of "(NAME" change the rhythm.
    fs
        Hz.
    names
        What counts as the rhythm, "(AFIB".
    end_s
        End of the recording.
    """
    spans: list[Span] = []
    since: float | None = None
    for sample, symbol, aux in zip(marks.samples, marks.symbols, marks.aux, strict=True):
        if symbol != "+" or not aux.startswith("("):
            continue
        at = float(sample) / fs
        if aux.rstrip("\0") in names:
            since = at if since is None else since
        elif since is not None:
            spans.append((since, at))
            since = None
    return spans if since is None else [*spans, (since, end_s)]


def without(spans: Sequence[Span], cut: Sequence[Span]) -> list[Span]:
    """Return what is left of `spans` where none of `cut` lies.

    >>> without([(0.0, 10.0), (20.0, 30.0)], [(4.0, 6.0), (25.0, 99.0)])
    [(0.0, 4.0), (6.0, 10.0), (20.0, 25.0)]
    """
    left = list(spans)
    for a, b in cut:
        left = [
            piece
            for s, e in left
            for piece in ((s, min(e, a)), (max(s, b), e))
            if piece[1] > piece[0]
        ]
    return left


def hit(spans: Sequence[Span], others: Sequence[Span]) -> int:
    """Return how many of `spans` overlap one of `others` at all."""
    return sum(any(a < d and c < b for c, d in others) for a, b in spans)


def overlap_s(spans: Sequence[Span], others: Sequence[Span]) -> float:
    """Return the time that lies in both; neither list overlaps itself."""
    return sum(max(0.0, min(b, d) - max(a, c)) for a, b in spans for c, d in others)


def length_s(spans: Sequence[Span]) -> float:
    """Return the time that the spans take."""
    return sum(b - a for a, b in spans)


def joined(spans: Sequence[Span]) -> list[Span]:
    """Return the spans in order, those that touch as one."""
    out: list[Span] = []
    for a, b in sorted(spans):
        if out and a <= out[-1][1]:
            out[-1] = (out[-1][0], max(b, out[-1][1]))
        else:
            out.append((a, b))
    return out
