"""The class of each beat, from one lead: normal, supraventricular or ventricular ectopic.

Classes are those of ANSI/AAMI EC57: N, S, V, and Q for what cannot be told (poor signal,
too few beats known, a pacemaker).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from healthslm.learnt import trees
from healthslm.records import Label
from healthslm.signals.beat_kinds import COUNT, FEATURES, Gatherer, Kinds
from healthslm.signals.morphology import figures, unpacked
from healthslm.signals.quality import GOOD
from healthslm.stage import FloatArray

Judged = tuple[Label, float | None]
"""Class and QRS width, s."""


@dataclass(frozen=True, slots=True)
class BeatClasses:
    """Judges the beats of a block against the person's own.

    A ventricular beat is told by trees (`models/beats`) from `FEATURES`, which compare it with
    the person's own normal beat; they may only lean the way physiology does (wider, earlier,
    less alike is more ventricular). A supraventricular one is early (less than 0.85 of the
    mean interval), followed by a longer interval, in a rhythm that is otherwise even.

    Where a lead gives too little, nothing is told: "Q". A ventricular beat may be told in a
    poor signal too, for the trees know its quality; findings read good beats only.

    A beat is paced, and nothing else is told of it, where a pacemaker's spike stands before it
    or before its like.

    What cannot be told: paced beats whose spike a filtered or slow lead has lost (they become
    the person's normal); a bundle branch block from a slow ventricular rhythm that lasts; an
    aberrantly conducted early beat, which is taken for a ventricular one.
    """

    gatherer: Gatherer = field(default_factory=Gatherer)
    model: str = "beats"
    least_beats: int = 10  # [P] fewer known beats of the normal kind, and nothing is told
    forget_s: float = 60.0  # [P] after a longer silence the electrodes may lie elsewhere
    early: float = 0.85  # [P] of the mean interval: a supraventricular beat
    paced: float = 0.25  # [P] share of a kind's beats with a spike, for all of it to be paced
    even: float = 0.1  # [P] usual change of interval: above it nothing is early

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
        labels = self.judged(kinds, rows, quality)
        return kinds, tuple(zip(labels, figures(shapes).qrs_s.tolist(), strict=True))

    def judged(self, kinds: Kinds, rows: FloatArray, quality: float) -> list[Label]:
        """Return the class of each beat from its `FEATURES`, shape (n, len(FEATURES))."""
        if kinds.table[:, COUNT].max() < self.least_beats:
            return ["Q"] * len(rows)
        ventricular = trees(self.model).sums(rows)[:, 0] > 0
        of = dict(zip(FEATURES, rows.T, strict=True))
        early = (of["before"] < self.early) & (of["rest"] > 1) & (of["uneven"] < self.even)
        other: Label = "N" if quality >= GOOD else "Q"
        early &= quality >= GOOD
        paced = of["paced"] >= self.paced
        each = zip(paced.tolist(), ventricular.tolist(), early.tolist(), strict=True)
        return ["Q" if p else "V" if v else "S" if s else other for p, v, s in each]
