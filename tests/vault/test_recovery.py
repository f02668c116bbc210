"""A sheet of words opens everything, and says what is wrong with words that do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm import vault
from healthslm.errors import IntegrityError, LockedError
from healthslm.vault import recovery
from healthslm.vault.keys import Device

from .given import CHEAPEST, PASSPHRASE, T0, commits

SECRET = bytes(range(32))


@given(st.binary(min_size=32, max_size=32))
def test_words_read_back_as_the_secret_however_they_are_typed(secret):
    words = recovery.words(secret)
    assert len(words) == 18
    assert all(len(word) == 5 for word in words)
    assert recovery.read(" ".join(words)) == secret
    assert recovery.read("-".join(words).upper()) == secret


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda w: w[:-1], "18 words, and 17"),
        (lambda w: [*w[:3], "xyzzy", *w[4:]], "word 4 is none"),
        (lambda w: [*w[:3], "sun", *w[4:]], "word 4 is none"),
        (lambda w: [w[1], w[0], *w[2:]], "do not belong together"),
        (lambda w: [*w[:5], "babab", *w[6:]], "do not belong together"),
    ],
)
def test_words_that_are_wrong_are_refused_with_the_reason_and_never_repeated(change, reason):
    typed = change(recovery.words(SECRET))
    with pytest.raises(LockedError, match=reason) as told:
        recovery.read(" ".join(typed))
    assert not any(word in str(told.value).split() for word in typed)


def made(folder, sheet=SECRET):
    vault.create(folder, PASSPHRASE, now_s=T0, profile=CHEAPEST, sheet=sheet)
    commits(folder, 2)
    return folder


def test_a_sheet_opens_everything(tmp_path):
    with vault.Store.recover(made(tmp_path / "s"), SECRET) as store:
        assert len(list(store.frames())) == 2
        assert len(list(store.derived())) == 2
        assert [e.who for e in store.events()][-2:] == ["recovery", "recovery"]
        store.verify()


def test_another_sheet_opens_nothing(tmp_path):
    with pytest.raises(LockedError, match="of another"):
        vault.Store.recover(made(tmp_path / "s"), bytes(32))


def test_a_store_without_a_sheet_says_so(tmp_path):
    with pytest.raises(LockedError, match="does not open this store"):
        vault.Store.recover(made(tmp_path / "s", None), SECRET)


def test_a_planted_device_is_refused():
    """Whoever writes the card could make a store of another device for the same sheet."""
    true, planted = Device(bytes(16), b"t" * 32), Device(bytes(16), b"p" * 32)
    name = f"recovery/{recovery.reader(SECRET).id}"
    header = {"store": bytes(16), "device": true.public, name: recovery.trust_record(true, SECRET)}
    assert recovery.unlock(header, SECRET).whole
    with pytest.raises(IntegrityError, match="not the device"):
        recovery.unlock(header | {"device": planted.public}, SECRET)


@pytest.mark.parametrize("at", [0, 10, 40, 70, 100])
def test_an_altered_trust_record_is_damage_and_no_wrong_sheet(at):
    device = Device(bytes(16), b"t" * 32)
    record = bytearray(recovery.trust_record(device, SECRET))
    record[at] ^= 1
    name = f"recovery/{recovery.reader(SECRET).id}"
    with pytest.raises(IntegrityError):
        header = {"store": bytes(16), "device": device.public, name: bytes(record)}
        recovery.unlock(header, SECRET)
