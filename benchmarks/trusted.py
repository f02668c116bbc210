"""The time of an ECG that is called analysable, and what is found in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from healthslm.records import Beat, Chunk
from healthslm.signals.ecg import SIGNAL
from healthslm.stage import FloatArray
from healthslm.validate.figures import pct
from healthslm.validate.matching import Span, matched, within


def beats(values: FloatArray, fs: float) -> list[Beat]:
    """Return the beats of a recording (mV), its last ones as well."""
    state, told = SIGNAL.step(SIGNAL.start(), Chunk("bench/ecg", "ecg", 0.0, fs, 0, values))
    end = Chunk("bench/ecg", "ecg", 1.0, fs, 0, np.array([np.nan]))
    return [x for x in (*told, *SIGNAL.step(state, end)[1]) if isinstance(x, Beat)]


def analysable(found: Sequence[Beat]) -> list[Span]:
    """Return the intervals that detectors take as evidence: known, and between two good beats."""
    return [
        (before.t_s, beat.t_s)
        for before, beat in pairwise(found)
        if before.good and beat.good and beat.rr_s is not None
    ]


@dataclass(slots=True)
class Tally:
    """Beats found, invented and missed, and time; all of it, and what is analysable."""

    all: list[int]
    gated: list[int]
    analysable_s: float = 0.0
    total_s: float = 0.0

    @classmethod
    def empty(cls) -> Tally:
        """Return nothing counted yet."""
        return cls([0, 0, 0], [0, 0, 0])

    def add(
        self,
        reference_s: Sequence[float],
        found: Sequence[Beat],
        end_s: float,
        *,
        begin_s: float = 0.0,
        fibrillation_s: Sequence[Span] = (),
    ) -> None:
        """Count one recording from `begin_s` on, its spans of fibrillation left out.

        A pair and an invented beat lie where the detector put them, a missed one where the
        reference has it.
        """
        times = [beat.t_s for beat in found]
        spans = [s for s in analysable(found) if s[0] >= begin_s and not _in_any(s, fibrillation_s)]
        left = np.array([a for a, _ in spans])
        right = np.array([b for _, b in spans])

        def read(t_s: float) -> bool:
            at = int(np.searchsorted(left, t_s, side="right")) - 1
            return (at >= 0 and t_s <= right[at]) or (at > 0 and t_s <= right[at - 1])

        m = matched(reference_s, times, begin_s=begin_s, fibrillation_s=fibrillation_s)
        where = (
            [times[j] for _, j in m.pairs],
            [times[j] for j in m.extra],
            [reference_s[i] for i in m.missed],
        )
        for kind, at_s in enumerate(where):
            self.all[kind] += len(at_s)
            self.gated[kind] += sum(read(t) for t in at_s)
        self.analysable_s += sum(b - a for a, b in spans)
        lost_s = sum(max(0.0, min(b, end_s) - max(a, begin_s)) for a, b in fibrillation_s)
        self.total_s += end_s - begin_s - lost_s

    def metrics(self, suffix: str) -> dict[str, float]:
        """Return Se and +P of all and of the analysable time, and that time's share, in percent."""
        values: dict[str, float] = {}
        for name, (tp, fp, fn) in (("", self.all), ("gated_", self.gated)):
            values[f"{name}se_{suffix}"] = pct(tp, tp + fn)
            values[f"{name}ppv_{suffix}"] = pct(tp, tp + fp)
        values[f"coverage_{suffix}"] = pct(self.analysable_s, self.total_s)
        return values


def _in_any(span: Span, others: Sequence[Span]) -> bool:
    return within(span[0], others) or within(span[1], others)
