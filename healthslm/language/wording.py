"""How things are said: clauses written by people, with what each of them claims.

`wording/meanings.toml` says what may be claimed; a language is a folder beside it.
Every file of the folder is read, the clauses of a kind may stand in several; unknown
keys are refused.

    [[tachycardia]]                     a kind of meanings.toml
    level = ["plain", "plainer"]        whom it speaks to; no `level`: "plain"
    when = { times = ["one"] }          the clause is true only of these categories
    say = ["Your heart beat fast, up to <highest>, from <start>."]   one sentence each

    [[opening]]                         put before the first sentence, if it wishes
    when = { group = ["finding"] }      group of the first item; no `when`: of any
    say = ["What we saw <period.day>:"]

    [[link]]                            put before a sentence whose group is that of
    when = { group = ["finding"] }      the sentence before
    say = ["Also,"]

    [action.plain]                      reviewed: told as they stand, nothing else is
    red = "Call {emergency} now if ... If not, ..."

    [slots] [names] [deny]              how values are written, and what never is

In a clause `<highest>` stands for the slot of its own kind; another kind's slot
cannot be written. No digit stands in a clause: numbers come from the facts.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from healthslm.language import tokens

FOLDER = Path(__file__).with_name("wording")
ASIDE = frozenset({"answers.toml", "red_flags.toml", "terms.toml"})
"""What questions are heard and answered by: no clauses, and not taught to a model."""

PERIOD = tokens.slot("period", "day")

When = tuple[tuple[str, tuple[str, ...]], ...]
Pieces = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """A value that a clause of its kind may hold."""

    unit: str
    means: str
    only: When  # categories of which it is there


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fact, and what its clauses may and must hold."""

    name: str
    group: str  # finding, measure, knowledge or frame
    means: str
    needs: tuple[str, ...]  # slots that every clause holds
    prefers: tuple[str, ...]  # and those that the template's clause holds where they have a value
    categories: tuple[str, ...]
    slots: Mapping[str, Slot]


@dataclass(frozen=True, slots=True)
class Meanings:
    """What can be said, in any language."""

    kinds: Mapping[str, Kind]
    categories: Mapping[str, Mapping[str, str]]
    units: Mapping[str, str]
    actions: Mapping[str, str]
    levels: Mapping[str, str]

    def group(self, kind: str) -> str:
        """Return the group of a kind: "finding", "measure" and others."""
        return self.kinds[kind].group


@dataclass(frozen=True, slots=True)
class Clause:
    """One sentence, as written, whom it speaks to, and of what it is true."""

    when: When
    pieces: Pieces
    levels: tuple[str, ...] = (tokens.PLAIN,)

    @property
    def fields(self) -> tuple[str, ...]:
        """The slots of its own kind that it holds, by name."""
        return tuple(p.partition(".")[2][:-1] for p in self.pieces if tokens.is_slot(p))

    def holds(self, categories: Mapping[str, str]) -> bool:
        """Tell whether the clause is true of a fact of its kind with these categories."""
        return all(categories.get(name) in allowed for name, allowed in self.when)


@dataclass(frozen=True)
class Wording:
    """One language."""

    lang: str
    clauses: Mapping[str, tuple[Clause, ...]]
    openings: tuple[Clause, ...]
    links: tuple[Clause, ...]
    actions: Mapping[str, Mapping[str, str]]  # by level, with {emergency}
    slots: Mapping[str, Any]
    names: Mapping[str, Any]
    deny: Mapping[str, tuple[re.Pattern[str], ...]]  # by level
    known: Mapping[Pieces, tuple[str, Clause]] = field(repr=False)

    def action(self, name: str, level: str, emergency: str) -> str:
        """Return the reviewed action text; without a number it names the service."""
        return self.actions[level][name].format(emergency=emergency or self.names["emergency"])


def languages() -> tuple[str, ...]:
    """Return the languages that have a folder, sorted."""
    return tuple(sorted(p.name for p in FOLDER.iterdir() if p.is_dir()))


@lru_cache(maxsize=1)
def meanings() -> Meanings:
    """Return what can be said, whatever the language."""
    data = tomllib.loads((FOLDER / "meanings.toml").read_text(encoding="utf-8"))
    kinds = {
        name: Kind(
            name,
            kind["group"],
            kind["means"],
            tuple(kind["needs"]),
            tuple(kind.get("prefers", ())),
            tuple(kind["categories"]),
            {
                slot: Slot(row["unit"], row["means"], _when(row.get("only", {})))
                for slot, row in kind.get("slot", {}).items()
            },
        )
        for name, kind in data["kind"].items()
    }
    return Meanings(kinds, data["category"], data["unit"], data["action"], data["level"])


@lru_cache(maxsize=8)
def load(lang: str) -> Wording:
    """Read a language.

    Raises
    ------
    ValueError
        A file holds an unknown key, a clause that could say what is not so, or the
        same sentence twice; the message names the kind, and the clause by its place.
    """
    data: dict[str, Any] = {}
    for path in sorted(p for p in (FOLDER / lang).glob("*.toml") if p.name not in ASIDE):
        for key, rows in tomllib.loads(path.read_text(encoding="utf-8")).items():
            if key in data and not isinstance(rows, list):
                raise ValueError(f"{lang}: {key} stands in two files")
            data[key] = [*data.get(key, []), *rows] if isinstance(rows, list) else rows
    return build(lang, data)


def build(lang: str, data: Mapping[str, Any]) -> Wording:
    """Check the tables of a language and make a wording of them; raises as `load`."""
    kinds = meanings().kinds
    frame = {"opening", "link", "action", "slots", "names", "deny"}
    _same(lang, "tables", set(data), set(kinds) | frame)
    levels = tuple(meanings().levels)
    _same(lang, "action", set(data["action"]), set(levels))
    for level, rows in data["action"].items():
        _same(f"{lang}: {level}", "action", set(rows), set(meanings().actions))
    clauses = {name: tuple(_clauses(lang, kinds[name], data[name])) for name in kinds}
    for name, level in ((name, level) for name in kinds for level in levels):
        if not any(c.levels.count(level) and _always(c, kinds[name]) for c in clauses[name]):
            raise ValueError(f"{lang}: {name}: no clause for {level} that is always true")
    known: dict[Pieces, tuple[str, Clause]] = {}
    for name, rows in clauses.items():
        for clause in rows:
            if lowered(clause.pieces) in known:
                raise ValueError(f"{lang}: {name}: a sentence stands twice")
            known[clause.pieces] = known[lowered(clause.pieces)] = (name, clause)
    return Wording(
        lang,
        clauses,
        tuple(_prefixes(lang, "opening", data["opening"])),
        tuple(_prefixes(lang, "link", data["link"])),
        data["action"],
        data["slots"],
        data["names"],
        {level: tuple(_denied(data["deny"], level)) for level in levels},
        known,
    )


def _denied(tables: Mapping[str, list[str]], level: str) -> Iterator[re.Pattern[str]]:
    """Yield what a text of a level may not hold: jargon is what clinicians speak."""
    for name, rows in tables.items():
        if (level, name) != ("clinician", "jargon"):
            yield from (re.compile(p, re.IGNORECASE) for p in rows)


def _always(clause: Clause, kind: Kind) -> bool:
    """Tell whether a clause can be said of every fact of its kind."""
    return not clause.when and set(clause.fields) == set(kind.needs)


def prefixes(rows: Iterable[Clause], level: str, group: str) -> list[Clause]:
    """Return the openings, or the links, that may stand before a sentence of a group."""
    return [row for row in rows if level in row.levels and row.holds({"group": group})]


def lowered(pieces: Pieces) -> Pieces:
    """Return a sentence as it is written after an opening or a link."""
    first = pieces[0]
    return pieces if first.startswith("<") else (first[:1].lower() + first[1:], *pieces[1:])


def vocabulary() -> tokens.Vocabulary:
    """Return every token that a prompt or a text in any language can hold."""
    m, langs = meanings(), languages()
    special = [tokens.PAD, tokens.END, tokens.TEXT, *map(tokens.language, langs)]
    special += map(tokens.fact, m.kinds)
    special += [tokens.category(name, v) for name, rows in m.categories.items() for v in rows]
    special += [tokens.category("action", name) for name in m.actions]
    special += [tokens.category("level", name) for name in m.levels]
    slots = [tokens.slot(k.name, s) for k in m.kinds.values() for s in k.slots]
    slots += [tokens.slot("action", name) for name in m.actions]
    words: set[str] = set()
    for wording in map(load, langs):
        for pieces in wording.known:
            words.update(pieces)
        for prefix in (*wording.openings, *wording.links):
            words.update(prefix.pieces)
    head = [*special, *slots, PERIOD]
    return tokens.Vocabulary((*head, *sorted(words - set(head))))


def fingerprint() -> str:
    """Return the SHA-256 of what a model is taught: its tokens, and every clause with its `when`.

    The actions, the names, how values are written and the words that are denied are not
    taught: they may change without the model.
    """
    taught: list[object] = [vocabulary().tokens]
    for wording in map(load, languages()):
        said = {**wording.clauses, "opening": wording.openings, "link": wording.links}
        taught.append(
            [[name, c.levels, c.when, c.pieces] for name, rows in said.items() for c in rows]
        )
    return hashlib.sha256(json.dumps(taught).encode()).hexdigest()


def _clauses(lang: str, kind: Kind, tables: list[dict[str, Any]]) -> Iterator[Clause]:
    for n, table in enumerate(tables, 1):
        where = f"{lang}: {kind.name}, table {n}"
        _same(where, "keys", set(table) | {"when", "level"}, {"when", "level", "say"})
        when, levels = _when(table.get("when", {})), tuple(table.get("level", (tokens.PLAIN,)))
        if not set(levels) <= set(meanings().levels):
            raise ValueError(f"{where}: there is no such level")
        for name, values in when:
            allowed = meanings().categories.get(name, {})
            if name not in kind.categories or not set(values) <= set(allowed):
                raise ValueError(f"{where}: {name} is not said of {kind.name}")
        for text in table["say"]:
            yield Clause(when, _sentence(where, kind, when, text), levels)


def _sentence(where: str, kind: Kind, when: When, text: str) -> Pieces:
    written = tokens.tokenise(text)
    fields = [p[1:-1] for p in written if p.startswith("<")]
    if any(c.isdigit() for c in text) or len(tokens.sentences(written)) != 1:
        raise ValueError(f"{where}: a clause is one sentence without digits")
    if written[-1] not in {".", "?"}:
        raise ValueError(f"{where}: a clause ends with a full stop")
    if not set(kind.needs) <= set(fields) or len(set(fields)) != len(fields):
        raise ValueError(f"{where}: a clause holds {', '.join(kind.needs)}, and no slot twice")
    for name in fields:
        if name not in kind.slots:
            raise ValueError(f"{where}: {kind.name} has no slot {name}")
        for category, values in kind.slots[name].only:
            if not set(dict(when).get(category, ("",))) <= set(values):
                raise ValueError(f"{where}: {name} is there only where {category} says so")
    return tuple(tokens.slot(kind.name, p[1:-1]) if p.startswith("<") else p for p in written)


def _prefixes(lang: str, what: str, tables: list[dict[str, Any]]) -> Iterator[Clause]:
    for table in tables:
        keys = {"when", "level", "say"}
        _same(f"{lang}: {what}", "keys", set(table) | {"when", "level"}, keys)
        when, levels = _when(table.get("when", {})), tuple(table.get("level", (tokens.PLAIN,)))
        if not {name for name, _ in when} <= {"group"}:
            raise ValueError(f"{lang}: {what}: only the group can be asked")
        for text in table["say"]:
            pieces = tuple(tokens.tokenise(text))
            slots = {p for p in pieces if p.startswith("<")}
            if not slots <= {PERIOD} or pieces[-1] not in {",", ":"}:
                raise ValueError(f"{lang}: {what}: ends with a comma or colon, holds no value")
            yield Clause(when, pieces, levels)


def _same(where: str, what: str, found: set[str], allowed: set[str]) -> None:
    if found != allowed:
        wrong = ", ".join(sorted(found ^ allowed))
        raise ValueError(f"{where}: unknown or missing {what}: {wrong}")


def _when(table: Mapping[str, list[str]]) -> When:
    return tuple((name, tuple(values)) for name, values in table.items())
