"""No entry of the audit trail can be left out, changed or added unseen."""

import hashlib

import msgspec
import pytest

from healthslm.errors import IntegrityError
from healthslm.vault import audit
from healthslm.vault.chapters import AUDIT
from healthslm.vault.codec import deflate


def trail(n):
    """Return the contents of n entries, made by hand from the page, and where they end."""
    contents, newest = [], bytes(32)
    for i in range(n):
        body = msgspec.msgpack.encode((i, 100.0 + i, "unlock", "owner", newest))
        contents.append(AUDIT + deflate(body))
        newest = hashlib.sha256(body).digest()
    return contents, (n, newest)


@pytest.mark.parametrize("n", [0, 1, 5])
def test_a_whole_trail_reads_oldest_first(n):
    contents, end = trail(n)
    events = list(audit.chain(contents, end))
    assert events == [audit.Event(i, 100.0 + i, "unlock", "owner") for i in range(n)]


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c[1:],
        lambda c: c[:-1],
        lambda c: [*c[:2], *c[3:]],
        lambda c: [c[1], c[0], *c[2:]],
        lambda c: [*c, c[-1]],
    ],
    ids=["first gone", "last gone", "one gone", "two swapped", "one twice"],
)
def test_a_trail_that_was_tampered_with_is_refused(change):
    contents, end = trail(5)
    with pytest.raises(IntegrityError, match=r"audit entry \d: (lost|the chain is broken)"):
        list(audit.chain(change(contents), end))


def test_a_changed_entry_breaks_the_next():
    contents, end = trail(3)
    changed = msgspec.msgpack.encode((1, 101.0, "unlock", "stranger", bytes(32)))
    with pytest.raises(IntegrityError, match="chain is broken"):
        list(audit.chain([contents[0], AUDIT + deflate(changed), contents[2]], end))


def test_another_kind_of_content_is_no_entry():
    with pytest.raises(IntegrityError, match="another kind"):
        list(audit.chain([b"\1" + deflate(b"x")], (1, bytes(32))))
