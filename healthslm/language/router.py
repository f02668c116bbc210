"""What a question asks for: its intent, measure and period.

Rules where rules are exact, else weighted sums of the question's features that were learnt
(`models/ask`, read like code) from lines written for it. It is sure or it is not, and
where it may be a person's matter (medicine, diagnosis, a symptom, what one may do) it says
so before it is likelier than not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from healthslm.language import red_flags, terms
from healthslm.resources import resource
from healthslm.stage import FloatArray

INTENTS = (
    *("summary", "level", "lowest", "highest", "usual", "compare", "trend", "found"),
    *("coverage", "next", "medicine", "diagnosis", "symptom", "life"),
    *("privacy", "device", "follow", "other"),
)
MEASURES = (
    *("none", "pulse", "oxygen", "temperature", "breathing", "rhythm", "pressure"),
    *("glucose", "movement", "sleep", "fall", "weight"),
)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
PERIODS = ("none", "now", "today", "yesterday", "night", "week", *WEEKDAYS, "month")

REFERRED = frozenset({"medicine", "diagnosis", "symptom", "life"})
"""Intents that are a person's matter: answered by a reviewed text."""

NO_MEASURE = REFERRED | {"summary", "next", "privacy", "device", "other"}
NO_PERIOD = REFERRED | {"privacy", "device", "other"}

HEADS = {"intent": INTENTS, "measure": MEASURES, "period": PERIODS, "flag": ("emergency",)}
SIZES = {"intent": 1 << 15, "measure": 1 << 13, "period": 1 << 13, "flag": 1 << 17}
"""Features by number of each head; see `terms.numbers`."""

SURE_FROM = 0.40
REFER_FROM = 0.1  # of all that is a person's matter together: in doubt a person is named
FLAG_FROM = 0.2  # of a question that no rule finds: from here it is an emergency
VETO_BELOW = 0.018  # of one that a rule finds in other words than the plainest: below, none
"""Both chosen on the lines of each writer, learnt from the others (`models/recipe/ask.py`):
so that no emergency of theirs is undone, more are seen than by a half, and fewer look-alikes."""


@dataclass(frozen=True, slots=True)
class Route:
    """What a question asks for.

    Parameters
    ----------
    sure
        One intent stands out.
    refer
        It is, or may be, a person's matter: whatever is answered, a person is named.
    """

    intent: str
    measure: str = "none"
    period: str = "none"
    sure: bool = True
    refer: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """The learnt weights: int8, with what one step of each output is worth."""

    weights: Mapping[str, NDArray[np.int8]]  # shape (features, outputs), by head
    steps: Mapping[str, FloatArray]  # shape (outputs,)

    @classmethod
    def of(cls, held: Mapping[str, NDArray[np.generic]]) -> Model:
        """Take the arrays of a file."""
        weights = {head: held[head].astype(np.int8) for head in HEADS}
        steps = {head: held[f"{head}_step"].astype(np.float64) for head in HEADS}
        return cls(weights, steps)

    def odds(self, head: str, features: list[str]) -> FloatArray:
        """Return the logits of a head, shape (outputs,)."""
        at = terms.numbers(features, SIZES[head])
        total = self.weights[head][at].sum(axis=0, dtype=np.int64)
        return np.asarray(total * self.steps[head] / max(1, len(at)) ** 0.5)

    def chances(self, head: str, features: list[str]) -> dict[str, float]:
        """Return the probability of each name of a head."""
        z = self.odds(head, features)
        p = np.exp(z - z.max())
        return dict(zip(HEADS[head], (p / p.sum()).tolist(), strict=True))

    def flag(self, text: str) -> float:
        """Return how likely it is that a question tells of an emergency."""
        features = [*terms.names(text), *terms.apart(text)]
        return float(1 / (1 + np.exp(-self.odds("flag", features)[0])))

    def route(self, text: str) -> Route:
        """Return what a question asks for."""
        features = list(terms.names(text))
        chance = self.chances("intent", features)
        intent = max(chance, key=lambda name: chance[name])
        matter = sum(chance[name] for name in REFERRED)
        measure = "none" if intent in NO_MEASURE else _best(self.chances("measure", features))
        period = "none" if intent in NO_PERIOD else self._period(text, features)
        sure = chance[intent] >= SURE_FROM
        return Route(intent, measure, period, sure, not sure or matter >= REFER_FROM)

    def _period(self, text: str, features: list[str]) -> str:
        named = weekdays(text)
        return named[0] if len(named) == 1 else _best(self.chances("period", features))


def weekdays(text: str) -> list[str]:
    """Return the weekdays that a question names, each once."""
    about = [tag for held, _ in terms.tags(terms.mended(text)) for tag in held]
    days = (tag.partition(":")[2] for tag in about if tag.startswith("period:"))
    return list(dict.fromkeys(day for day in days if day in WEEKDAYS))


def _best(chance: dict[str, float]) -> str:
    return max(chance, key=lambda name: chance[name])


@lru_cache(maxsize=1)
def model() -> Model:
    """Return the weights of `models/ask`.

    Raises
    ------
    FileNotFoundError, KeyError, ValueError
        The installation is damaged.
    """
    with np.load(resource("models/ask") / "weights.npz", allow_pickle=False) as held:
        return Model.of(held)


def route(text: str) -> Route:
    """Return what a question asks for."""
    return model().route(text)


def emergency(text: str, flag: red_flags.Flag | None) -> str | None:
    """Return which text an emergency asks for, of the rules and the learnt look together.

    What the rules are certain of stands; what else they found stands unless the learnt look
    is very sure that it is none; and where they found nothing, it may find an emergency.
    """
    return weighed(flag, 0.0 if flag and flag.certain else model().flag(text))


def weighed(flag: red_flags.Flag | None, chance: float) -> str | None:
    """Return which text a red flag asks for, by how likely the learnt look holds it."""
    if flag is None:
        return "emergency" if chance > FLAG_FROM else None
    return flag.say if flag.certain or chance >= VETO_BELOW else None
