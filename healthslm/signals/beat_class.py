"""The class of each beat, from one lead: normal, supraventricular or ventricular ectopic.

Classes are those of ANSI/AAMI EC57: N, S, V, and Q for what cannot be told (poor signal,
too few beats known, a pacemaker).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from healthslm.records import Label
from healthslm.signals.beat_kinds import COUNT, FEATURES, Gatherer, Kinds
from healthslm.signals.morphology import figures, unpacked
from healthslm.stage import FloatArray

Judged = tuple[Label, float | None]
"""Class and QRS width, s."""


@dataclass(frozen=True, slots=True)
class BeatClasses:
    """Judges the beats of a block against the person's own."""

    gatherer: Gatherer = field(default_factory=Gatherer)
    least_beats: int = 10  # [P] fewer known beats of the normal kind, and nothing is told
    forget_s: float = 60.0  # [P] after a longer silence the electrodes may lie elsewhere
    early: float = 0.9  # [P] of the mean interval
    good: float = 0.5

    def told(
        self,
        kinds: Kinds,
        packed: FloatArray,
        t_s: FloatArray,
        rr_s: FloatArray,
        after_s: float,
        quality: float,
    ) -> tuple[Kinds, tuple[Judged, ...]]:
        """Take the beats of one block; return the kinds, and each beat's class and QRS width, s.

        Parameters
        ----------
        packed
            Shape (rows, n): what `Snapshots` measured.
        t_s, rr_s, after_s, quality
            See `Gatherer.told`; t_s, shape (n,), in seconds from sample index 0.
        """
        if not len(t_s):
            return kinds, ()
        if t_s[0] - kinds.newest_s > self.forget_s:
            kinds = Kinds()
        shapes = unpacked(packed)
        kinds, rows = self.gatherer.told(kinds, shapes, rr_s, after_s, quality)
        kinds = replace(kinds, newest_s=float(t_s[-1]))
        labels: list[Label] = ["Q"] * len(t_s)
        if kinds.table[:, COUNT].max() >= self.least_beats:
            ventricular = self._ventricular(rows).tolist()
            supra = self._supraventricular(rows).tolist()
            other: Label = "N" if quality >= self.good else "Q"
            labels = [
                "V" if v else "S" if s and other == "N" else other
                for v, s in zip(ventricular, supra, strict=True)
            ]
        return kinds, tuple(zip(labels, figures(shapes).qrs_s.tolist(), strict=True))

    def _ventricular(self, rows: FloatArray) -> NDArray[np.bool_]:
        """Tell which beats are unlike the normal ones, and wide, early or of an early kind."""
        of = dict(zip(FEATURES, rows.T, strict=True))
        other = of["unlike"] > 0.25
        wide = of["width_ratio"] > 1.25
        kind = (of["own_before"] < self.early) & (of["own_unlike"] > 0.25) & (of["own_count"] >= 3)
        odd = wide | (of["unlike"] > 0.5) | (of["t_wave"] > 1)
        readable = of["quality"] > self.good
        early = (of["before"] < self.early) & odd & (readable | kind)
        alone = (of["width_ratio"] > 1.5) & (of["width_s"] > 0.08) & (of["unlike_own"] < 0.1)
        told: NDArray[np.bool_] = other & (early | kind | (alone & readable))
        return told

    def _supraventricular(self, rows: FloatArray) -> NDArray[np.bool_]:
        """Tell which beats come early in a rhythm that is even otherwise."""
        of = dict(zip(FEATURES, rows.T, strict=True))
        told: NDArray[np.bool_] = (of["before"] < 0.85) & (of["uneven"] < 0.1) & (of["rest"] > 1)
        return told
