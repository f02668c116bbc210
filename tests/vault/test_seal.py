"""A seal opens under its key, for its label, unaltered; and in no other way."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.errors import IntegrityError
from healthslm.vault.seal import (
    OVERHEAD,
    PART_BYTES,
    ROW_BYTES,
    join,
    row_label,
    seal,
    split,
    unseal,
    unsplit,
)

from . import independent_reader as independent

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "seal.json").read_text())
KEY, LABEL = bytes(range(32)), b"a place"
NAMES = [f"{v['expect']}: {v['what']}" for v in VECTORS]


def ours(vector):
    """Return what our code makes of a vector, or its reason for refusing."""
    try:
        if "parts" in vector:
            return join([unsplit(bytes.fromhex(p), "row") for p in vector["parts"]], "row")
        key, label, blob = (bytes.fromhex(vector[k]) for k in ("key", "label", "blob"))
        return unseal(key, label, blob, "row")
    except IntegrityError as error:
        return str(error).split(": ")[1]


def theirs(vector):
    """Return what the independent reader makes of it."""
    try:
        if "parts" in vector:
            return independent.join([bytes.fromhex(p) for p in vector["parts"]])
        return independent.unseal(*(bytes.fromhex(vector[k]) for k in ("key", "label", "blob")))
    except independent.Refused as refused:
        return str(refused)


@pytest.mark.parametrize("reader", [ours, theirs])
@pytest.mark.parametrize("vector", VECTORS, ids=NAMES)
def test_published_vectors_open_or_are_refused_for_the_stated_reason(vector, reader):
    if vector["expect"] == "success":
        assert reader(vector) == bytes.fromhex(vector["plaintext"])
    else:
        assert reader(vector) == vector["expect"]


@given(st.binary(max_size=3000), st.binary(max_size=40))
def test_what_was_sealed_opens_to_the_same_bytes(plaintext, label):
    blob = seal(KEY, label, plaintext)
    assert unseal(KEY, label, blob, "row") == plaintext
    assert len(blob) == len(plaintext) + OVERHEAD


def test_no_two_seals_of_the_same_bytes_are_equal_in_any_part():
    blobs = [seal(KEY, LABEL, bytes(40)) for _ in range(500)]
    for part in (slice(4, 28), slice(28, 44), slice(44, 60), slice(60, 100), slice(100, 116)):
        assert len({blob[part] for blob in blobs}) == 500


def test_every_flipped_bit_is_refused():
    blob = seal(KEY, LABEL, b"some forty bytes that nobody may change!")
    for at in range(len(blob)):
        for bit in range(8):
            bad = blob[:at] + bytes([blob[at] ^ 1 << bit]) + blob[at + 1 :]
            with pytest.raises(IntegrityError):
                unseal(KEY, LABEL, bad, "row")


@pytest.mark.parametrize("length", range(OVERHEAD + 1))
def test_what_is_too_short_to_be_a_seal_is_refused(length):
    with pytest.raises(IntegrityError, match="row 3: "):
        unseal(KEY, LABEL, seal(KEY, LABEL, b"x")[:length], "row 3")


@pytest.mark.parametrize("quantum", [1, 2, 4])
@pytest.mark.parametrize("size", [0, 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 9_999])
def test_content_of_any_length_becomes_rows_of_one_size_in_whole_quanta(size, quantum):
    content = bytes(i % 251 for i in range(size))
    parts = split(content, 5, quantum)
    assert {len(part) + OVERHEAD for part in parts} == {ROW_BYTES}
    assert len(parts) % quantum == 0
    assert 0 <= len(parts) - len(content) / PART_BYTES <= quantum
    assert join([unsplit(part, "row") for part in parts], "row") == content


def test_content_beyond_65535_rows_is_our_own_mistake():
    with pytest.raises(ValueError, match="does not fit"):
        split(bytes(PART_BYTES * 65_535 + 1), 1, 1)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (lambda p: p[:-1], "lost"),
        (lambda p: [], "lost"),
        (lambda p: p[::-1], "lost"),
        (lambda p: [p[0], p[0], p[2]], "lost"),
    ],
)
def test_missing_and_disordered_parts_are_refused(broken, reason):
    parts = [unsplit(part, "row") for part in split(bytes(2 * PART_BYTES + 1), 1, 1)]
    with pytest.raises(IntegrityError, match=reason):
        join(broken(parts), "row 7")


def test_a_row_of_another_size_is_refused():
    with pytest.raises(IntegrityError, match="row 9: bad size"):
        unsplit(bytes(10), "row 9")


def test_a_label_names_store_key_row_and_schema():
    labels = {
        row_label(bytes(16), 1, 1),
        row_label(b"x" * 16, 1, 1),
        row_label(bytes(16), 2, 1),
        row_label(bytes(16), 1, 2),
    }
    assert len(labels) == 4
    assert all(label.endswith(b"\0\1") for label in labels)
