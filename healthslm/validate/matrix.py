"""Classes of beats compared: the matrix of EC57 and what `bxb` makes of it.

Reference annotations are mapped as bxb does: N L R B are N; a A J S n e j are S (escape
beats too, which many papers count as N); V E r are V; F is F; / f Q ? are Q. O stands for
no beat: "No" is a normal beat that was missed, "Ov" a ventricular one that was invented.
False ventricular beats are Nv, Sv and Ov; Fv and Qv count neither way (ANSI/AAMI EC57).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from healthslm.validate.matching import Matched

CLASSES: Mapping[str, str] = {
    symbol: letter
    for letter, symbols in {"N": "NLRB", "S": "aAJSnej", "V": "VEr", "F": "F", "Q": "/fQ?"}.items()
    for symbol in symbols
}
"""By WFDB mnemonic."""

PACED = frozenset("/")


@dataclass(frozen=True, slots=True)
class Matrix:
    """How often each reference class (capital) met each class that was told (small)."""

    counts: Mapping[str, int]

    @classmethod
    def of(cls, found: Matched, reference: Sequence[str], test: Sequence[str]) -> Matrix:
        """Return the matrix of matched beats.

        Parameters
        ----------
        reference
            WFDB mnemonics, one for each reference beat.
        test
            Labels of `records.Beat`, one for each test beat; "" counts as Q.
        """
        known = [CLASSES[symbol] for symbol in reference]
        told = [(label or "Q").lower() for label in test]
        seen = Counter(known[i] + told[j] for i, j in found.pairs)
        seen.update(known[i] + "o" for i in found.missed)
        seen.update("O" + told[j] for j in found.extra)
        return cls(seen)

    @classmethod
    def total(cls, matrices: Iterable[Matrix]) -> Matrix:
        """Return the sum."""
        seen: Counter[str] = Counter()
        for matrix in matrices:
            seen.update(matrix.counts)
        return cls(seen)

    def sum(self, reference: str, test: str) -> int:
        """Return how often one of the classes `reference` met one of `test`."""
        return sum(self.counts.get(a + b, 0) for a in reference for b in test)

    def ectopic(self, letter: str) -> tuple[int, int, int, int]:
        """Return tp, fp, fn and tn of the class "V" or "S"."""
        small = letter.lower()
        others = "NSV".replace(letter, "") + "OX"
        if letter == "S":
            others += (
                "F"  # a fusion beat is partly ventricular: to call it supraventricular is wrong
            )
        told = "nsvfq".replace(small, "")
        return (
            self.sum(letter, small),
            self.sum(others, small),
            self.sum(letter, told + "ox"),
            self.sum("NSVFQOX".replace(letter, ""), told),
        )

    def qrs(self) -> tuple[int, int, int]:
        """Return tp, fp and fn of finding beats at all."""
        return self.sum("NSVFQ", "nsvfq"), self.sum("OX", "nsvfq"), self.sum("NSVFQ", "ox")
