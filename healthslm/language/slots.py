"""How a value is written in a language, and how a text of tokens becomes plain text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from healthslm.language import tokens
from healthslm.language.facts import printed
from healthslm.language.plan import Item, Plan
from healthslm.language.wording import PERIOD, Pieces, Wording, load, lowered, meanings

HOURS_FROM = 120  # minutes; shorter times are told in minutes, longer ones in half hours
WHOLE_HOURS_FROM = 600  # minutes; and these in hours
LONGEST_DAY_S = 25 * 3600.0
MAX_SIGNALS = 2  # more are not told by name
MAX_FINDINGS = 3  # of more, two are told by name
_DECIMALS = {"celsius": 1, "seconds": 1, "range_celsius": 1}


def render(pieces: Sequence[str], plan: Plan, lang: str, *, emergency: str = "") -> str:
    """Return a text of tokens as people read it, every slot filled from the plan.

    Parameters
    ----------
    pieces
        Words, punctuation and slots; `<end>` is passed over.
    emergency
        Number to call, from the configuration; empty: the service is named instead.

    Raises
    ------
    ValueError
        A slot that the plan does not hold.
    """
    wording, out, begins = load(lang), [], True
    for piece in pieces:
        if piece == tokens.END:
            continue
        text = filled(piece, plan, wording, emergency) if tokens.is_slot(piece) else piece
        out.append(text[:1].upper() + text[1:] if begins else text)
        begins = piece in {".", "?"}
    return tokens.detokenise(out)


def render_after(pieces: Pieces, plan: Plan, lang: str) -> str:
    """Return a sentence as it stands after a comma, a colon or an opening: its first word small."""
    return render((",", *lowered(pieces)), plan, lang)[2:]


def filled(piece: str, plan: Plan, wording: Wording, emergency: str) -> str:
    """Return what stands in the text for one slot."""
    kind, _, name = piece[1:-1].partition(".")
    if piece == PERIOD:
        return _period(plan, wording.slots)
    if kind == "action" and name == plan.action:
        return wording.action(name, plan.level, emergency)
    item = plan.item(kind)
    if item is None or not has(item, name):
        raise ValueError("a slot that the plan does not hold")
    return written(item, name, wording, plan.zone, dated=dated(plan, item, name))


def dated(plan: Plan, item: Item, name: str) -> bool:
    """Tell whether a time of day needs its day: in a period of several, or from before it."""
    value = item.value(name)
    early = isinstance(value, float) and value < plan.t0_s
    return early or plan.t1_s - plan.t0_s > LONGEST_DAY_S


def allowed(plan: Plan) -> list[str]:
    """Return the slots that a text of this plan may hold."""
    kinds = meanings().kinds
    held = [
        tokens.slot(item.kind, name)
        for item in plan.items
        for name in kinds[item.kind].slots
        if has(item, name)
    ]
    return [*held, PERIOD, tokens.slot("action", plan.action)]


def required(plan: Plan) -> list[str]:
    """Return the slots that a text of this plan must hold."""
    kinds = meanings().kinds
    needed = [
        tokens.slot(item.kind, name)
        for item in plan.items
        if item.required
        for name in kinds[item.kind].needs
    ]
    return [*needed, tokens.slot("action", plan.action)]


def has(item: Item, name: str) -> bool:
    """Tell whether a slot of the item's kind has a value."""
    slot = meanings().kinds[item.kind].slots.get(name)
    if slot is None:
        return False
    paired = slot.unit.startswith("range") or slot.unit == "pressure"
    return item.value(f"{name}_low" if paired else name) is not None


def written(item: Item, name: str, wording: Wording, zone: str, *, dated: bool = False) -> str:
    """Return a value of an item in words: number, unit, and nothing else.

    `dated`: with its day where it is a time of day.
    """
    unit, rules = meanings().kinds[item.kind].slots[name].unit, wording.slots
    if unit.startswith("range"):
        return _range(_number(item, f"{name}_low"), _number(item, f"{name}_high"), unit, rules)
    if unit == "pressure":
        ends = {
            end: _digits(_number(item, f"{name}_{end}"), unit, rules) for end in ("high", "low")
        }
        return str(rules["pressure"]).format(**ends)
    if unit in {"names", "signals", "findings"}:
        return _names(str(item.value(name)), unit, wording)
    value = _number(item, name)
    if unit == "clock":
        clock = _clock(value, zone, rules)
        return f"{clock} {_date('day', rules, value, zone)}" if dated else clock
    if unit == "weekday":
        day = datetime.fromtimestamp(value, _zone(zone)).weekday()
        return str(rules["weekday"]).format(weekday=rules["weekdays"][day])
    if unit == "in_hundred" and value < 1:
        return str(rules[unit]["less"])
    if unit == "duration":
        open_ended = name in {"longest", "total"} and item.value("open") == "yes"
        text = _duration(value, rules, at_least=open_ended)
        return str(rules["at_least"]).format(x=text) if open_ended else text
    if unit in {"in_hundred", "per_hour", "of_hour"}:
        value = max(1.0, printed(value))
    return _counted(value, "days_long" if unit == "days" else unit, rules)


def _number(item: Item, name: str) -> float:
    value = item.value(name)
    if not isinstance(value, float):
        raise ValueError("a slot that the plan does not hold")
    return value


def _digits(value: float, unit: str, rules: Any) -> str:
    return f"{value:.{_DECIMALS.get(unit, 0)}f}".replace(".", rules["decimal"])


def _counted(value: float, unit: str, rules: Any) -> str:
    form = rules[unit]["one" if value == 1 else "many"]
    return str(form).format(n=_digits(value, unit, rules))


def _range(low: float, high: float, unit: str, rules: Any) -> str:
    form = str(rules["range"]["same" if low == high else "two"])
    return form.format(low=_digits(low, unit, rules), high=_digits(high, unit, rules))


def _duration(value_s: float, rules: Any, *, at_least: bool) -> str:
    """Round to seconds, minutes, half hours or hours; downwards where it is "at least"."""
    up = 0.0 if at_least else 0.5
    seconds = max(1, math.floor(value_s + up))  # what was seen lasted, however short
    if seconds < 60:
        return _counted(float(seconds), "whole_seconds", rules)
    minutes = math.floor(value_s / 60 + up)
    if minutes < HOURS_FROM:
        return _counted(float(minutes), "minutes", rules)
    if minutes >= WHOLE_HOURS_FROM:
        return _counted(float(math.floor(minutes / 60 + up)), "hours", rules)
    hours, half = divmod(math.floor(minutes / 30 + up), 2)
    if half:
        form: str = rules["hours"]["half"]
        return form.format(n=hours)
    return _counted(float(hours), "hours", rules)


def _clock(t_s: float, zone: str, rules: Any) -> str:
    at = datetime.fromtimestamp(t_s, _zone(zone))
    half = rules["halves"][at.hour // 12] if rules["halves"] else ""
    hour = (at.hour + 11) % 12 + 1 if rules["halves"] else at.hour
    form = str(rules["clock"]["one" if hour == 1 else "many"])
    return form.format(h=hour, m=f"{at.minute:02d}", half=half)


def _period(plan: Plan, rules: Any) -> str:
    first_s, last_s = plan.t0_s, max(plan.t1_s - 1.0, plan.t0_s)
    first, last = (
        datetime.fromtimestamp(t_s, _zone(plan.zone)).date() for t_s in (first_s, last_s)
    )
    return _date("day" if first == last else "days", rules, first_s, plan.zone, last_s)


def _date(form: str, rules: Any, t_s: float, zone: str, last_s: float | None = None) -> str:
    """Return a day, or with form "days" from which to which, as a language writes them."""
    words = {}
    for n, at_s in (("", t_s), ("2", t_s if last_s is None else last_s)):
        day = datetime.fromtimestamp(at_s, _zone(zone))
        words[f"weekday{n}"] = rules["weekdays"][day.weekday()]
        words[f"month{n}"] = rules["months"][day.month - 1]
        words[f"day{n}"] = day.day
    text: str = rules[form].format(**words)
    return text


def _names(keys: str, unit: str, wording: Wording) -> str:
    names: dict[str, str] = wording.names[unit]
    words = list(dict.fromkeys(names.get(k, names["other"]) for k in keys.split(",")))
    if unit == "signals" and len(words) > MAX_SIGNALS:
        return names["several"]
    if unit == "findings" and len(words) > MAX_FINDINGS:
        words = [*words[: MAX_FINDINGS - 1], names["more"]]
    head, tail = words[:-1], words[-1]
    rules: dict[str, str] = wording.slots["list"]
    return rules["join"].join(head) + rules["last"] + tail if head else tail


def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)
