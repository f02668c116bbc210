"""Nothing that was planted can be read in any file of the store, or in a log."""

import base64
import logging
import struct
import zlib

from healthslm import vault
from healthslm.records import Finding, Summary, Vital
from healthslm.vault import codec

from .given import PASSPHRASE, T0, frame, new_store, owned

NAMES = ("chestnut", "fingertip", "desaturation", "longest_s", "wristband")
TEXT = "Your heart was calm for most of the night."
VALUE = 97.3125
STATE = b"the pipeline's own state, sixteen or more bytes"


def needles():
    """Return every planted thing in each form in which it might lie about."""
    times = [T0 + 4321.5, T0 + 5432.25]
    samples = frame(7).samples
    plain = [name.encode() for name in NAMES] + [TEXT.encode(), TEXT[:12].encode(), STATE[:16]]
    plain += [struct.pack(order, x) for x in [VALUE, *times] for order in ("<d", ">d")]
    plain += [repr(x).encode() for x in [VALUE, *times]]
    plain += [struct.pack(order, int(times[0])) for order in ("<I", ">I")]
    plain += [samples[i : i + 16] for i in (0, 1000, 2000)]
    plain += [codec.pack_samples(samples)[10:26], zlib.compress(samples)[10:26]]
    return plain + [base64.b64encode(p)[:12] for p in plain if len(p) > 12]


def fill(folder, base):
    """Write a store with everything planted; look at its files while it is open."""
    with vault.Store.open(folder) as store:
        for i in range(20):
            planted = frame(7, t_s=T0 + 4321.5)
            records = (
                Vital("spo2", "fingertip/spo2", T0 + 4321.5, VALUE),
                Finding("desaturation", "wristband/spo2", T0 + 4321.5, T0 + 5432.25, "red",
                        (("longest_s", VALUE),)),
                Summary(T0 + 4321.5, T0 + 5432.25, "en", TEXT, "template"),
            )  # fmt: skip
            store.set_aside("chestnut", TEXT.encode())
            store.commit([planted], records, STATE, now_s=T0 + 4321.5 + i)
        return {p.name: p.read_bytes() for p in folder.iterdir()}


def hits(files):
    """Return what is found where; four bytes stand in a megabyte of noise once in a while."""
    return [
        (name, n)
        for name, data in files.items()
        for n in needles()
        if data.count(n) > (0 if len(n) > 4 else 2)
    ]


def test_planted_values_times_names_and_texts_are_in_no_file(tmp_path):
    folder = new_store(tmp_path / "store")
    files = fill(folder, T0)
    assert {"vault.db", "vault.db-wal", "vault.db-shm", "vault.mark"} < set(files)
    assert hits(files) == []
    with owned(folder) as store:
        assert len(list(store.frames())) == 20
        assert len(list(store.letters())) == 20
    assert hits({p.name: p.read_bytes() for p in folder.iterdir()}) == []


def test_the_search_finds_what_is_not_sealed(tmp_path, monkeypatch):
    """The control: the same store with a seal that seals nothing is full of hits."""
    folder = new_store(tmp_path / "store")
    monkeypatch.setattr("healthslm.vault.seal.ChaCha20Poly1305", Open)
    monkeypatch.setattr("healthslm.vault.codec.deflate", bytes)
    monkeypatch.setattr("healthslm.vault.codec.inflate", bytes)
    monkeypatch.setattr("healthslm.vault.index.deflate", bytes)
    monkeypatch.setattr("healthslm.vault.chapters.inflate", bytes)
    monkeypatch.setattr("healthslm.vault.audit.deflate", bytes)
    folder = new_store(tmp_path / "open store")
    found = {needle for _, needle in hits(fill(folder, T0))}
    for needle in [*(n.encode() for n in NAMES if n != "chestnut"), TEXT.encode(), STATE[:16]]:
        assert needle in found
    assert struct.pack(">d", VALUE) in found


class Open:
    """A cipher that hides nothing."""

    def __init__(self, key):
        pass

    def encrypt(self, nonce, data, label):
        return data + bytes(16)

    def decrypt(self, nonce, data, label):
        return data[:-16]


def test_nothing_is_logged_but_counts_and_ids(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    folder = new_store(tmp_path / "store")
    fill(folder, T0)
    said = caplog.text.encode()
    assert not [n for n in [*needles(), PASSPHRASE.encode()] if n in said]
