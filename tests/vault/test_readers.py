"""Keys reach those they are wrapped to, signed by the device, and nobody else."""

from dataclasses import replace

import pytest

from healthslm.errors import IntegrityError, LockedError
from healthslm.vault.keys import Class, DataKey, Device
from healthslm.vault.readers import (
    PROFILES,
    Grantee,
    Profile,
    Reader,
    open_identity,
    read_reader,
    reader_record,
    seal_identity,
    unwrap,
)

from . import independent_keys as independent
from .given import CHEAPEST, PASSPHRASE
from .make_vectors import published, wrap_vectors

VECTORS = published("wrap")
DEVICE = Device(bytes(16), bytes(32))
OWNER = Reader(bytes(96))
RECORD = seal_identity(DEVICE, OWNER, PASSPHRASE, CHEAPEST)


def fields(vector):
    names = ("store", "device_public", "private", "blob")
    store, device, private, blob = (bytes.fromhex(vector[k]) for k in names)
    return store, device, private, vector["key_id"], blob


def ours(vector):
    store, device, private, key_id, blob = fields(vector)
    try:
        key = unwrap(store, device, Reader(private), key_id, blob)
        return [key.cls, key.epoch_s, key.secret.hex()]
    except IntegrityError as error:
        return str(error).split(": ")[1]


def theirs(vector):
    try:
        cls, epoch_s, secret = independent.open_wrap(*fields(vector))
        return [cls, epoch_s, secret.hex()]
    except independent.Refused as refused:
        return str(refused)


@pytest.mark.parametrize("reader", [ours, theirs])
@pytest.mark.parametrize("vector", VECTORS, ids=[f"{v['expect']}: {v['what']}" for v in VECTORS])
def test_published_wraps_open_or_are_refused_for_the_stated_reason(vector, reader):
    assert reader(vector) == (vector["grant"] or vector["expect"])


@pytest.mark.parametrize("reader", [ours, theirs])
def test_wraps_made_anew_are_read_as_those_that_were_published(reader):
    made = wrap_vectors()
    assert [v["what"] for v in made] == [v["what"] for v in VECTORS]
    assert [v["blob"] for v in made] != [v["blob"] for v in VECTORS]
    assert [reader(v) for v in made] == [v["grant"] or v["expect"] for v in VECTORS]


def identity(record=RECORD, *, store=bytes(16), device=DEVICE.public, phrase=PASSPHRASE):
    return open_identity(store, device, OWNER.id, record, phrase)


def test_the_passphrase_opens_the_identity_however_its_accents_are_typed():
    assert identity(phrase="ein Lo\u0308ffel Zucker").private == OWNER.private


def test_a_wrong_passphrase_is_no_damage():
    with pytest.raises(LockedError, match="wrong passphrase"):
        identity(phrase="ein Löffel Salz")


def test_every_flipped_byte_of_an_identity_is_damage_and_no_wrong_passphrase():
    for at in range(len(RECORD)):
        with pytest.raises(IntegrityError):
            identity(RECORD[:at] + bytes([RECORD[at] ^ 1]) + RECORD[at + 1 :])


def test_an_identity_of_another_store_is_refused():
    with pytest.raises(IntegrityError, match="bad signature"):
        identity(store=b"x" * 16)


def test_another_device_cannot_take_the_place_of_the_one_the_owner_trusts():
    """Who replaces the device key in the clear, and signs anew, is found out inside the seal."""
    thief = Device(bytes(16), b"t" * 32)
    resigned = bytearray(RECORD)
    where = bytes(16) + OWNER.id.to_bytes(8, "big") + RECORD[68:96]
    message = b"healthslm/identity-signature/1" + where + RECORD[96:]
    resigned[4:68] = thief.sign(message)
    with pytest.raises(IntegrityError, match="not the device"):
        identity(bytes(resigned), device=thief.public)


@pytest.mark.parametrize(
    "greedy",
    [
        Profile((1 << 20) + 1, 1, 1),
        Profile(32, 17, 1),
        Profile(1024, 1, 17),
        Profile(32, 0, 1),
        Profile(32, 1, 0),
        Profile(31, 1, 4),
    ],
)
def test_a_record_may_not_ask_for_more_than_a_board_can_give(greedy):
    assert not greedy.acceptable()
    record = bytearray(RECORD)
    record[68:80] = greedy.packed()
    where = bytes(16) + OWNER.id.to_bytes(8, "big") + bytes(record[68:96])
    message = b"healthslm/identity-signature/1" + where + RECORD[96:]
    record[4:68] = DEVICE.sign(message)
    with pytest.raises(IntegrityError, match="asks for more"):
        identity(bytes(record))


def test_the_limits_themselves_are_allowed_and_the_default_is_rfc_9106s_second_choice():
    assert Profile(1 << 20, 16, 16).acceptable()
    assert Profile(8, 1, 1).acceptable()
    assert PROFILES["standard"] == Profile(65_536, 3, 4)


def test_a_reader_record_holds_the_key_of_whom_it_names():
    record = reader_record(DEVICE, OWNER.public)
    assert read_reader(bytes(16), DEVICE.public, OWNER.id, record) == OWNER.public


def test_the_record_of_another_reader_is_refused():
    record = reader_record(DEVICE, Reader.new().public)
    with pytest.raises(IntegrityError):
        read_reader(bytes(16), DEVICE.public, OWNER.id, record)


@pytest.mark.parametrize(("now_s", "may"), [(99.9, True), (100.0, False)])
def test_a_consent_that_has_run_out_opens_no_new_key(now_s, may):
    reader = Grantee(1, "clinician", 1 << Class.DERIVED, "A", until_s=100)
    assert reader.may(Class.DERIVED, now_s) is may
    assert not reader.may(Class.RAW, 0.0)


def test_a_planted_reader_is_refused():
    record = reader_record(Device(bytes(16), b"t" * 32), OWNER.public)
    with pytest.raises(IntegrityError, match="bad signature"):
        read_reader(bytes(16), DEVICE.public, OWNER.id, record)


def test_every_flipped_byte_of_a_reader_record_is_refused():
    record = reader_record(DEVICE, OWNER.public)
    for at in range(len(record)):
        bad = record[:at] + bytes([record[at] ^ 1]) + record[at + 1 :]
        with pytest.raises(IntegrityError):
            read_reader(bytes(16), DEVICE.public, OWNER.id, bad)


def test_no_key_shows_in_a_repr():
    key = DataKey(1, Class.RAW, 0, b"secret secret secret secret secr")
    for thing in (key, replace(key, id=2), DEVICE, OWNER):
        assert "secret" not in repr(thing)
