"""Why the template speaks instead of the model: one word, one number and one line for each.

The word is what the code passes on, the number is what the store keeps of it (a finding holds
numbers only), the line is what an operator reads. A number never changes its meaning.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """One way in which a model does not speak."""

    code: int
    means: str


REASONS = {
    "none": Reason(0, "the configuration names no model"),
    "missing": Reason(1, "the model's folder, or a file of it, is not there"),
    "form": Reason(2, "the model's manifest is not one of ours"),
    "wording": Reason(3, "the clauses hold words that the model does not know"),
    "hash": Reason(4, "a file of the model is not the one that was sealed"),
    "memory": Reason(5, "the model found no memory"),
    "start": Reason(6, "the model's process could not be started"),
    "timeout": Reason(7, "the model took too long"),
    "crash": Reason(8, "the model's process ended without an answer"),
    "garbage": Reason(9, "the model's answer made no sense"),
    "prompt": Reason(10, "the model lacks a word, or the room for a text"),
    "request": Reason(11, "the model's process did not understand what was asked"),
    "refused": Reason(12, "the guard refused every text of the model"),
    "tokenizers": Reason(13, "the package `tokenizers`, which this model needs, is not installed"),
}

UNKNOWN = "for a reason that was not kept"

ON_PURPOSE = frozenset({"none"})
"""Reasons that are no failure."""


def code(word: str) -> int:
    """Return the number of a reason."""
    return REASONS[word].code


def means(word: str) -> str:
    """Return what a reason is, in a line."""
    return REASONS[word].means if word in REASONS else UNKNOWN


def word(number: float) -> str:
    """Return the reason of a number; "" where there is none.

    >>> word(4.0), word(99.0)
    ('hash', '')
    """
    return next((name for name, reason in REASONS.items() if reason.code == number), "")
