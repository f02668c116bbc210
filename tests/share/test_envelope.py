"""A report opens for its reader alone, if its device wrote it and nobody changed it."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm import witness
from healthslm.errors import ReportError
from healthslm.share import digest, envelope
from healthslm.vault.identity import fingerprint
from healthslm.vault.readers import Reader

from . import independent_reader as independent
from .given import (
    BEGIN,
    CREATED_S,
    DAY,
    DEVICE,
    OTHER,
    READER,
    bytes_of,
    day,
    opened,
    release,
    told,
    written,
)
from .make_vectors import sealed, text

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "report.json").read_text())
PAGE = (Path(__file__).parents[2] / "docs" / "report-format.md").read_text("utf-8")


def fields(vector):
    file, private, device = (bytes.fromhex(vector[k]) for k in ("file", "private", "device"))
    seen = vector["seen"] and (*vector["seen"][:2], bytes.fromhex(vector["seen"][2]))
    return file, private, device, seen


def ours(vector):
    file, private, device, seen = fields(vector)
    reader = Reader(private)
    known = witness.Seen(device, *seen) if seen else witness.Seen(device)
    try:
        report = envelope.unseal(file, reader.id, reader.open)
        read = witness.judge(report, known, lambda _: None)
    except ReportError as error:
        return error.reason
    head = read.head
    return (head.counter, *head.audit, head.created, head.period.begin, head.period.end)


def theirs(vector):
    try:
        return independent.open_report(*fields(vector))[:-1]
    except independent.Refused as error:
        return str(error)


@pytest.mark.parametrize("reader", [ours, theirs])
@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: f"{v['expect']}: {v['what']}")
def test_published_vectors_open_or_are_refused_for_the_stated_reason(vector, reader) -> None:
    got = reader(vector)
    if vector["expect"] == "success":
        assert got[0] == 5 and got[3] == int(CREATED_S // 60)
    else:
        assert got == vector["expect"]


def test_every_reason_of_the_page_has_a_vector() -> None:
    table = PAGE.partition("## Opening")[2].partition("## Fingerprint")[0]
    named = set(re.findall(r"\| \*([a-z ]+)\*", table))
    assert named == {v["expect"] for v in VECTORS} - {"success"}


def test_the_code_still_writes_the_published_plaintext() -> None:
    assert text().hex() == VECTORS[0]["plaintext"]


def test_an_independent_reader_reads_what_is_written_now() -> None:
    *_, body = independent.open_report(written(), READER.private, DEVICE.public, None)
    assert body[0] == 15 and len(body[1]) == 3 and len(body[2]) == 3


def test_the_worked_example_of_the_page_is_right() -> None:
    example = PAGE.partition("## Worked example")[2]
    shown = bytes.fromhex(
        "".join(re.findall(r"^[a-z]+ +([0-9a-f ]+)$", example, re.M)).replace(" ", "")
    )
    assert text()[: len(shown)] == shown
    assert set(text()[len(shown) :]) == {0}


def test_the_head_says_what_was_released() -> None:
    head, _ = told(written(counter=3, size=9))
    assert head == envelope.Head(
        DEVICE.store_id,
        DEVICE.public,
        READER.id,
        3,
        (9, bytes_of("entry 9", 32)),
        BEGIN + 1441,
        DAY,
    )


def test_a_report_has_one_of_three_sizes() -> None:
    bounds = [(0, 4096), (2956 - 184, 4096), (2956 - 183, 16_384), (15_244 - 184, 16_384)]
    for length, size in [*bounds, (15_244 - 183, 65_536), (envelope.ROOM, 65_536)]:
        plain = envelope.plaintext(bytes(length), DAY, release(), CREATED_S)
        assert len(sealed(plain)) == size


def test_two_reports_on_the_same_are_sealed_differently() -> None:
    assert written() != written()
    assert opened(written()) == opened(written())


def test_no_flipped_byte_opens() -> None:
    """Every byte of a report, another bit in each; all bits of the key exchange's last byte."""
    data, refused = written(), 0
    places = [(at, 1 << at % 8) for at in range(len(data))]
    places += [(4 + 1119, 1 << bit) for bit in range(8)]
    for at, bit in places:
        altered = data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]
        with pytest.raises(ReportError) as caught:
            opened(altered)
        assert caught.value.reason == ("bad marker" if at < 4 else "bad tag")
        refused += 1
    assert refused == 4104


def test_no_flipped_byte_of_the_plaintext_is_believed_though_sealed_anew() -> None:
    plain = text()
    for at in range(0, len(plain), 7):
        altered = plain[:at] + bytes([plain[at] ^ 1]) + plain[at + 1 :]
        with pytest.raises(ReportError):
            envelope.verified(opened(sealed(altered)), DEVICE.public)


def test_no_cut_and_no_splice_opens() -> None:
    one, two = written(counter=1), written(counter=2)
    for at in (5, 100, 1000, 1124, 2000, 4079, 4095):
        for mixed in (one[:at], one[:at] + two[at:], one[at:] + one[:at]):
            with pytest.raises(ReportError):
                opened(mixed)
    for more, reason in ((1, "bad marker"), (16_384 - 4096, "bad tag")):
        with pytest.raises(ReportError, match=reason):
            opened(one + bytes(more))


def test_another_reader_cannot_open_it() -> None:
    with pytest.raises(ReportError, match="bad tag"):
        opened(written(), OTHER)


def test_the_sealing_is_bound_to_the_reader_by_name_too() -> None:
    with pytest.raises(ReportError, match="bad tag"):
        envelope.unseal(written(), READER.id ^ 1, READER.open)


def test_what_was_made_for_one_reader_cannot_be_passed_on_as_for_another() -> None:
    report = opened(written())
    handed_on = sealed(report.signature + report.signed, OTHER)
    with pytest.raises(ReportError, match="wrong reader"):
        opened(handed_on, OTHER)


def test_a_refusal_says_no_number_of_the_report() -> None:
    for vector in VECTORS:
        if vector["expect"] != "success":
            try:
                file, private, device, seen = fields(vector)
                reader = Reader(private)
                report = envelope.unseal(file, reader.id, reader.open)
                witness.judge(report, seen and witness.Seen(device, *seen), lambda _: None)
            except ReportError as error:
                assert not re.search(r"\d", str(error))


@given(st.binary(max_size=200), st.sampled_from(envelope.SIZES))
def test_any_bytes_are_refused_for_a_reason(data, size) -> None:
    with pytest.raises(ReportError):
        opened(data)
    with pytest.raises(ReportError):
        opened((envelope.MARKER + data).ljust(size, b"\0"))


@given(st.binary(max_size=2700))
def test_any_signed_body_is_read_or_refused(body) -> None:
    try:
        told(sealed(envelope.plaintext(body, DAY, release(), CREATED_S)))
    except ReportError as error:
        assert error.reason == "bad body"


def test_fingerprints_are_those_of_the_page() -> None:
    for public in (DEVICE.public, READER.public, bytes(32)):
        assert fingerprint(public) == independent.fingerprint(public)
        assert re.fullmatch(r"(\d{5} ){7}\d{5}", fingerprint(public))


def test_a_period_that_ends_before_it_begins_is_refused() -> None:
    plain = bytearray(text()[64:])
    plain[108:112], plain[112:116] = plain[112:116], plain[108:112]
    signed = DEVICE.sign(b"healthslm/report/1" + plain) + bytes(plain)
    with pytest.raises(ReportError, match="bad body"):
        told(sealed(signed))


def test_write_is_plaintext_and_seal() -> None:
    body = digest.body(day(), DAY, envelope.ROOM)
    plain = envelope.plaintext(body, DAY, release(), CREATED_S)
    report = opened(written())
    assert report.signature + report.signed == plain
