"""Beats and vitals that wait in the sealed state until they fill a row of DERIVED.

Five seconds of them take a tenth of a row. Waiting costs no safety: the state is in the same
commit, as durable, and the device may open both. It saves a page written each commit, and makes a
day of records quick to open.
"""

from __future__ import annotations

from healthslm.vault import codec
from healthslm.vault.chapters import RECORDS
from healthslm.vault.index import Draft, Waiting
from healthslm.vault.keys import Class
from healthslm.vault.seal import PART_BYTES, needed

LONGEST_S = 60.0
FITS = PART_BYTES - 1  # beside its kind


def take(draft: Draft, body: bytes, span: tuple[float, float], *, all_wait: bool) -> None:
    """Add records to those that wait; what fills a row is committed, and all where one may not wait.

    span  the time of the records; body  as a content has them.
    """
    before = draft.head.waiting
    if before is not None:
        joined = codec.join_derived([before.body, body])
        if len(joined) > FITS and all_wait:
            flush(draft)
        else:
            body, span = joined, (min(span[0], before.t0_s), max(span[1], before.t1_s))
    draft.head.waiting = Waiting(body, *span)
    if not all_wait or len(body) > FITS or span[1] - span[0] > LONGEST_S:
        flush(draft)


def flush(draft: Draft) -> None:
    """Commit what waits as a content of DERIVED."""
    found, draft.head.waiting = draft.head.waiting, None
    if found is not None:
        content = RECORDS + found.body
        rows = draft.head.padding.derived_rows(needed(content))
        draft.add(Class.DERIVED, content, found.t0_s, found.t1_s, rows=rows)
