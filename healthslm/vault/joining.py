"""Joining an hour's derived contents into one, so that a day opens in a few steps.

A commit every five seconds leaves 720 small contents an hour, each with a seal and a row of its
own. Once an hour the device, which can still open them, puts one in their place.
"""

from __future__ import annotations

import logging
from itertools import pairwise

from healthslm.errors import IntegrityError
from healthslm.vault import codec
from healthslm.vault.chapters import RECORDS, Chapter, body_of, entries
from healthslm.vault.index import Draft, Gone
from healthslm.vault.keys import Class, DataKey
from healthslm.vault.rows import Rows
from healthslm.vault.seal import needed

log = logging.getLogger(__name__)


def join(rows: Rows, now_s: float) -> None:
    """Join what was committed since the last time; a chapter that is damaged is left as it is."""
    try:
        with rows.transaction(now_s) as draft:
            since, draft.head.joined = draft.head.joined, draft.head.commit
            for chapter in draft.head.chapters:
                key = draft.keys.at_hand(chapter.key) if chapter.cls == Class.DERIVED else None
                if key is not None:
                    _join(rows, draft, key, chapter, since)
    except IntegrityError:  # whoever reads it is told; what is committed stands
        log.warning("derived contents were not joined")


def _join(rows: Rows, draft: Draft, key: DataKey, chapter: Chapter, since: int) -> None:
    found = list(entries(chapter, rows.fetch))
    kept = [e for e in found if e.number <= since]
    new = [e for e in found if e.number > since]
    if len(new) < 2:
        return
    bodies = [body_of(rows.fetch(chapter, e), RECORDS, f"row {e.row}") for e in new]
    content = RECORDS + codec.join_derived(bodies)
    edges = [chapter.first, *(x for e in kept for x in (e.row, e.row + e.parts)), chapter.end]
    between = list(pairwise(edges))[::2]
    draft.gone += [Gone(a, b, key.id) for a, b in between if a < b]
    draft.head.rows -= chapter.rows
    chapter.first = chapter.end = chapter.rows = 0
    chapter.levels = []
    for entry in kept:
        draft.keep(key, chapter, entry)
    span = min(e.t0 for e in new), max(e.t1 for e in new)
    size = draft.head.padding.joined_rows(needed(content))
    draft.add_to(key, chapter, content, span, new[0].number, rows=size)
