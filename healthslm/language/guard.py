"""Reads a text back into claims, and accepts only what the plan holds.

It knows the wording and nothing else: a sentence that no clause says is refused, so is
a clause that is not true of the plan. `check` reads what the model wrote, tokens with
slots; `check_text` reads what the patient will read, numbers and all, and does so from
the text alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from healthslm.language import slots, template, tokens
from healthslm.language.plan import MAX_SENTENCES, MIN_SENTENCES, Item, Plan
from healthslm.language.wording import Pieces, Wording, load, lowered, meanings, prefixes

_SENTENCE = re.compile(r".+?[.?](?= |$)", re.DOTALL)  # as far as one goes that nobody knows


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a text may be shown; `reasons` are fixed words, never a measurement.

    "unknown sentence"  no clause of the wording says this
    "not planned"       a fact that the plan does not hold
    "not true"          a clause whose categories are not those of the fact
    "no value"          a slot for which the fact holds no value
    "twice"             a fact said a second time
    "left out"          a required fact that is not said
    "order"             the findings are not first, the gravest before the others, or
                        `learning` is said before any value that it speaks of
    "opening" "link"    words before a sentence that do not belong there
    "action"            the action is missing, altered, not last, or another one
    "length"            fewer than 3 sentences or more than 6
    "denied"            a word that no text may hold
    """

    reasons: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the text may be shown."""
        return not self.reasons


@dataclass(frozen=True, slots=True)
class _Said:
    """One sentence, understood."""

    kind: str
    prefix: str  # "", "opening" or "link": what stands before it


def check(pieces: Sequence[str], plan: Plan, lang: str) -> Verdict:
    """Judge a text of tokens, as the model wrote it, ending in `<end>`."""
    wording, reasons = load(lang), []
    body = list(pieces[:-1] if pieces and pieces[-1] == tokens.END else pieces)
    if not body or body[-1] != tokens.slot("action", plan.action):
        reasons.append("action")
    sentences = tokens.sentences([p for p in body if not p.startswith("<action.")])
    if sum(p.startswith("<action.") for p in body) > 1:
        reasons.append("action")
    said: list[_Said] = []
    for sentence in sentences:
        before = meanings().group(said[-1].kind) if said else None
        found = _understood(sentence, plan, wording, before)
        if isinstance(found, str):
            reasons.append(found)
        else:
            said.append(found)
    reasons += _whole(said, plan, wording)
    return Verdict(tuple(dict.fromkeys(reasons)))


def check_text(text: str, plan: Plan, lang: str, *, emergency: str = "") -> Verdict:
    """Judge a text as it will be read, every number and name in it included."""
    wording = load(lang)
    action = wording.action(plan.action, plan.level, emergency)
    reasons = ["denied"] if any(p.search(text) for p in wording.deny[plan.level]) else []
    if not text.endswith(" " + action) or text.count(action) != 1:
        return Verdict((*reasons, "action"))
    said: list[_Said] = []
    for found, _ in _read(text[: -len(action)], plan, wording):
        if found is None:
            reasons.append("unknown sentence")
            break
        said.append(found)
    return Verdict(tuple(dict.fromkeys([*reasons, *_whole(said, plan, wording)])))


def read(text: str, plan: Plan, lang: str, *, emergency: str = "") -> list[tuple[str, str]]:
    """Return the sentences of a text, each with the kind of the item that it speaks of.

    "action" is the kind of the reviewed words at the end, and "" that of a sentence which the
    plan does not hold as it stands: another fact, another number, another level's words.
    """
    wording, out = load(lang), list[tuple[str, str]]()
    action = wording.action(plan.action, plan.level, emergency)
    ends = text == action or text.endswith(" " + action)
    body = text[: -len(action)] if ends else text and f"{text} "
    for found, sentence in _read(body, plan, wording):
        kind = found.kind if found else ""
        if not kind and out and not out[-1][0]:  # "p.m. to" is no end of a sentence
            sentence = f"{out.pop()[1]} {sentence}"
        out.append((kind, sentence))
    return [*out, ("action", action)] if ends else out


# ---- tokens -------------------------------------------------------------------------------


def _understood(sentence: Pieces, plan: Plan, wording: Wording, before: str | None) -> _Said | str:
    """Return what a sentence says, or why it is refused; `before`: group said before it."""
    reason = "unknown sentence"
    for prefix, words in _beginnings(sentence, wording):
        rest = sentence[words:]
        clause = wording.known.get(rest)
        if clause is None or (rest == lowered(rest)) != bool(prefix or rest[0].startswith("<")):
            continue
        kind, found = clause
        item = plan.item(kind)
        if item is None:
            return "not planned"
        if not found.holds(dict(item.categories)) or plan.level not in found.levels:
            return "not true"
        if not all(slots.has(item, name) for name in found.fields):
            return "no value"
        if prefix and not _fits(
            sentence[:words], prefix, wording, plan.level, meanings().group(kind), before
        ):
            reason = prefix
            continue
        return _Said(kind, prefix)
    return reason


def _beginnings(sentence: Pieces, wording: Wording) -> Iterator[tuple[str, int]]:
    """Yield the ways a sentence may begin: nothing, an opening, a link; and its length."""
    yield "", 0
    for name, rows in (("opening", wording.openings), ("link", wording.links)):
        lengths = {len(p.pieces) for p in rows if sentence[: len(p.pieces)] == p.pieces}
        yield from ((name, n) for n in lengths if n < len(sentence))


def _fits(
    pieces: Pieces, prefix: str, wording: Wording, level: str, group: str, before: str | None
) -> bool:
    """Tell whether an opening stands first, a link after its like, each for its group and level."""
    rows = wording.openings if prefix == "opening" else wording.links
    placed = before is None if prefix == "opening" else before == group
    return placed and any(p.pieces == pieces for p in prefixes(rows, level, group))


# ---- plain text -----------------------------------------------------------------------------


def _read(text: str, plan: Plan, wording: Wording) -> Iterator[tuple[_Said | None, str]]:
    """Yield each sentence of a text, with what it says; None where nothing true says this.

    One space stands behind each, behind the last as well.
    """
    rest, before = text, None
    while rest:
        found = _next(rest, plan, wording, before)
        if found is None:
            sentence = _SENTENCE.match(rest)
            written = sentence[0] if sentence else rest
            yield None, written
        else:
            yield found
            before, written = meanings().group(found[0].kind), found[1]
        rest = rest[len(written) + 1 :]


def _next(text: str, plan: Plan, wording: Wording, before: str | None) -> tuple[_Said, str] | None:
    """Return the longest true sentence with which a text begins."""
    found = [
        (_Said(item.kind, prefix), start + written)
        for item in plan.items
        for prefix, start in _starts(text, item, plan, wording, before)
        for written in _sentences(item, plan, wording, lower=bool(prefix))
        if text.startswith(written + " ", len(start))
    ]
    return max(found, key=lambda pair: len(pair[1]), default=None)


def _starts(
    text: str, item: Item, plan: Plan, wording: Wording, before: str | None
) -> Iterator[tuple[str, str]]:
    """Yield nothing, and each opening or link that may stand before an item and does."""
    yield "", ""
    group = meanings().group(item.kind)
    name, rows = ("opening", wording.openings) if before is None else ("link", wording.links)
    if name == "link" and before != group:
        return
    for p in prefixes(rows, plan.level, group):
        written = slots.render(p.pieces, plan, wording.lang) + " "
        if text.startswith(written):
            yield name, written


def _sentences(item: Item, plan: Plan, wording: Wording, *, lower: bool) -> Iterator[str]:
    """Yield every sentence that is true of an item, as it is read; `lower`: after a prefix."""
    for clause in template.true_clauses(item, wording, plan.level):
        write = slots.render_after if lower else slots.render
        yield write(clause.pieces, plan, wording.lang)


# ---- the whole text -------------------------------------------------------------------------


def _whole(said: Sequence[_Said], plan: Plan, wording: Wording) -> list[str]:
    """Return what is wrong with the sentences together."""
    reasons, kinds = [], [s.kind for s in said]
    if len(set(kinds)) != len(kinds):
        reasons.append("twice")
    if not {i.kind for i in plan.items if i.required} <= set(kinds):
        reasons.append("left out")
    late = {i.kind for i in plan.items if i.category("vs") == "unknown"}
    alone = "learning" in kinds and not late & set(kinds[: kinds.index("learning")])
    first = [i.kind for i in plan.items if meanings().group(i.kind) == "finding"] or [
        i.kind for i in plan.items[:1]
    ]
    if alone or kinds[: len(first)] != first:
        reasons.append("order")
    action = wording.actions[plan.level][plan.action]
    count = len(said) + len(tokens.sentences(tokens.tokenise(action)))
    if not MIN_SENTENCES <= count <= MAX_SENTENCES:
        reasons.append("length")
    return reasons
