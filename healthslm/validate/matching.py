"""Which beats of a detector belong to which of the reference: the rules of EC57 and `bxb`.

Pairs lie within 150 ms and each beat is in one at most (the rule for ties is that of 2002);
the first five minutes are for learning and do not count; what a detector finds within
reference-marked ventricular flutter or fibrillation does not count either (WFDB
Applications Guide, bxb(1)).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from healthslm.recordings import Marks
from healthslm.stage import FloatArray

WINDOW_S = 0.15
LEARNING_S = 300.0

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Matched:
    """Indices into the two lists of beats that were compared."""

    pairs: tuple[tuple[int, int], ...]  # (reference, test)
    missed: tuple[int, ...]  # reference beats that nothing was found for
    extra: tuple[int, ...]  # test beats that nothing is there for


def match(
    reference_s: Sequence[float], test_s: Sequence[float], window_s: float = WINDOW_S
) -> tuple[int, int, int, FloatArray]:
    """Return true positives, false positives, false negatives, and test minus reference.

    Parameters
    ----------
    reference_s, test_s
        Rising times, seconds.
    window_s
        The greatest distance of a pair; one sample's rounding is forgiven.

    Returns
    -------
    tp, fp, fn
        Counts.
    offsets
        Shape (tp,), seconds.

    Examples
    --------
    The case of James Pardey, in samples; the rule before 2002 paired neither:

    >>> match([96, 160], [128, 185], 37)[:3]
    (2, 0, 0)
    """
    pairs = _pairs(reference_s, test_s, window_s)
    offsets = np.array([test_s[j] - reference_s[i] for i, j in pairs], np.float64)
    return len(pairs), len(test_s) - len(pairs), len(reference_s) - len(pairs), offsets


def compare(
    reference_s: Sequence[float],
    test_s: Sequence[float],
    *,
    begin_s: float = LEARNING_S,
    fibrillation_s: Sequence[Span] = (),
    window_s: float = WINDOW_S,
) -> tuple[int, int, int, FloatArray]:
    """Return what `match` does, for the test period alone; parameters as of `matched`."""
    found = matched(
        reference_s, test_s, begin_s=begin_s, fibrillation_s=fibrillation_s, window_s=window_s
    )
    offsets = np.array([test_s[j] - reference_s[i] for i, j in found.pairs], np.float64)
    return len(found.pairs), len(found.extra), len(found.missed), offsets


def matched(
    reference_s: Sequence[float],
    test_s: Sequence[float],
    *,
    begin_s: float = LEARNING_S,
    fibrillation_s: Sequence[Span] = (),
    window_s: float = WINDOW_S,
) -> Matched:
    """Return which beats of the test period belong together.

    Parameters
    ----------
    reference_s, test_s
        Rising times, seconds.
    begin_s
        Where the test period begins. The last test beat before it may still pair with the
        first reference beat in it; a first test beat in it that belongs to a reference beat
        before it is not counted.
    fibrillation_s
        Spans in which beats that pair with none are not counted, and no reference beat is.
    window_s
        The greatest distance of a pair.
    """
    wanted = [
        i for i, t in enumerate(reference_s) if t >= begin_s and not within(t, fibrillation_s)
    ]
    reference = [reference_s[i] for i in wanted]
    first = _first(reference, test_s, begin_s, window_s)
    pairs = _pairs(reference, test_s[first:], window_s)
    hit, used = {i for i, _ in pairs}, {j for _, j in pairs}
    return Matched(
        tuple((wanted[i], first + j) for i, j in pairs),
        tuple(wanted[i] for i in range(len(wanted)) if i not in hit),
        tuple(
            first + j
            for j, t in enumerate(test_s[first:])
            if j not in used and not within(t, fibrillation_s)
        ),
    )


def fibrillation(notes: Marks, fs: float) -> list[Span]:
    """Return the spans annotated as ventricular flutter or fibrillation, seconds from index 0."""
    on, off = ((notes.only(mark).samples / fs).tolist() for mark in "[]")
    return list(zip(on, [*off, float("inf")], strict=False))


def within(t_s: float, spans: Sequence[Span]) -> bool:
    """Tell whether a time lies in one of the spans, ends included."""
    return any(a <= t_s <= b for a, b in spans)


def _pairs(
    reference: Sequence[float], test: Sequence[float], window: float
) -> list[tuple[int, int]]:
    """Return the indices of the beats that belong together."""
    window += 1e-9
    far = float("inf")
    pairs: list[tuple[int, int]] = []
    i = j = 0
    while i < len(reference) and j < len(test):
        want, have = reference[i], test[j]
        want_next = reference[i + 1] if i + 1 < len(reference) else far
        have_next = test[j + 1] if j + 1 < len(test) else far
        earlier = have < want
        rival = abs(want - have_next) if earlier else abs(have - want_next)
        both_next = abs(want_next - have_next) if want_next < far and have_next < far else far
        apart = abs(want - have)
        if apart <= window and (apart < rival or both_next < rival):
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif earlier:
            j += 1
        else:
            i += 1
    return pairs


def _first(reference: Sequence[float], test: Sequence[float], begin: float, window: float) -> int:
    """Return the first test beat that takes part: bxb's rules for the end of learning."""
    first = sum(t < begin for t in test)
    if not reference or first == len(test):
        return first
    at = reference[0]
    if (
        first
        and at - test[first - 1] <= window + 1e-9
        and at - test[first - 1] < abs(at - test[first])
    ):
        return first - 1
    late = test[first] - begin <= window and len(test) > first + 1
    if late and abs(at - test[first + 1]) < abs(at - test[first]):
        return first + 1
    return first
