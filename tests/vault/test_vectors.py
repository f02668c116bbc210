"""The package and the independent reader make the same of every published vector."""

import msgspec
import pytest

from healthslm.errors import HealthslmError
from healthslm.vault import audit, chapters, codec, index, recovery, seal
from healthslm.vault.keys import Device, unwrap_for_device
from healthslm.vault.mark import SLOT_BYTES, read_mark
from healthslm.vault.readers import open_identity, read_reader

from . import independent_keys as keys
from . import independent_reader as independent
from .make_vectors import VECTORS, all_vectors, published, text_of
from .refusals import word_for
from .vectors_of_contents import plain


def bytes_in(vector, *names):
    return [bytes.fromhex(vector[name]) for name in names]


def wide(slots):
    """Return the file of a mark."""
    return b"".join(bytes.fromhex(each).ljust(SLOT_BYTES, b"\0") for each in slots)


def device_file(path, file):
    path.write_bytes(file)
    path.chmod(0o600)
    return path


class Ours:
    """What the package makes of a vector, as the vector tells it."""

    refusal = HealthslmError
    word = staticmethod(word_for)

    def reader(self, v, _):
        store, device, record = bytes_in(v, "store", "device_public", "record")
        return {"public": read_reader(store, device, int(v["reader"]), record).hex()}

    def identity(self, v, _):
        store, device, record = bytes_in(v, "store", "device_public", "record")
        found = open_identity(store, device, int(v["reader"]), record, v["passphrase"])
        return {"private": found.private.hex()}

    def sheet(self, v, _):
        return {"secret": recovery.read(v["words"]).hex()}

    def recovery(self, v, _):
        store, device, secret, record = bytes_in(v, "store", "device_public", "secret", "record")
        meta = {"store": store, "device": device, f"recovery/{v['reader']}": record}
        return {"private": recovery.unlock(meta, secret).reader.private.hex()}

    def device(self, v, path):
        file, blob = bytes_in(v, "file", "blob")
        device = Device.read(device_file(path, file))
        key = unwrap_for_device(device, v["key_id"], blob)
        grant = [int(key.cls), key.epoch_s, key.secret.hex()]
        return {"public": device.public.hex(), "grant": grant}

    def parts(self, v, _):
        rows = [seal.unsplit(bytes.fromhex(part), "row") for part in v["parts"]]
        return {"content": seal.join(rows, "content").hex()}

    def _value(self, value):
        return {"value": plain(msgspec.msgpack.decode(msgspec.msgpack.encode(value)))}

    def state(self, v, _):
        return self._value(index.thaw_head(*bytes_in(v, "content")))

    def catalogue(self, v, _):
        return self._value(chapters.thaw_catalogue(*bytes_in(v, "content")))

    def node(self, v, _):
        return self._value(chapters.thaw_node(*bytes_in(v, "content"), "row"))

    def records(self, v, _):
        body = chapters.body_of(*bytes_in(v, "content"), chapters.RECORDS, "records")
        again = codec.inflate(codec.encode_derived(list(codec.decode_derived(body))))
        return {"value": without_defaults(msgspec.msgpack.decode(again), v["value"])}

    def letter(self, v, _):
        body = chapters.body_of(*bytes_in(v, "content"), chapters.LETTER, "letter")
        return self._value(codec.decode_letter(body))

    def samples(self, v, _):
        return {"value": list(memoryview(codec.unpack_samples(*bytes_in(v, "content"))).cast("h"))}

    def trail(self, v, _):
        contents, end = map(bytes.fromhex, v["contents"]), (v["end"][0], bytes.fromhex(v["end"][1]))
        return {"events": [[e.t_s, e.action, e.who, e.what] for e in audit.chain(contents, end)]}

    def mark(self, v, _):
        return {"commit": read_mark(wide(v["slots"]), *bytes_in(v, "key", "store"))}


class Theirs:
    """What the independent reader makes of it."""

    refusal = keys.Refused
    word = staticmethod(str)

    def reader(self, v, _):
        store, device, record = bytes_in(v, "store", "device_public", "record")
        return {"public": keys.open_reader(store, device, int(v["reader"]), record).hex()}

    def identity(self, v, _):
        store, device, record = bytes_in(v, "store", "device_public", "record")
        found = keys.open_identity(store, device, int(v["reader"]), record, v["passphrase"])
        return {"private": found.hex()}

    def sheet(self, v, _):
        return {"secret": keys.secret_of(v["words"]).hex()}

    def recovery(self, v, _):
        store, device, secret, record = bytes_in(v, "store", "device_public", "secret", "record")
        meta = {f"recovery/{v['reader']}": record}
        return {"private": keys.open_recovery(store, device, secret, meta).hex()}

    def device(self, v, _):
        file, blob = bytes_in(v, "file", "blob")
        store, wrap_key, public = keys.open_device_key(file)
        cls, epoch, key = keys.open_device_wrap(store, wrap_key, v["key_id"], blob)
        return {"public": public.hex(), "grant": [cls, epoch, key.hex()]}

    def parts(self, v, _):
        return {"content": independent.join([bytes.fromhex(part) for part in v["parts"]]).hex()}

    def _body(self, v, kind):
        return independent.unpack(independent.body(*bytes_in(v, "content"), kind))

    def state(self, v, _):
        head = self._body(v, 4)[:16]
        head[3] = [chapter_of(chapter) for chapter in head[3]]
        head[4] = head[4] and head[4][:6]
        head[5] = [reader[:6] for reader in head[5]]
        return {"value": plain(head)}

    def catalogue(self, v, _):
        return {"value": plain([chapter_of(chapter) for chapter in self._body(v, 7)])}

    def node(self, v, _):
        return {"value": plain([entry[:6] for entry in self._body(v, 3)])}

    def records(self, v, _):
        return {"value": without_defaults(self._body(v, 2), v["value"])}

    def letter(self, v, _):
        return {"value": plain(self._body(v, 6))}

    def samples(self, v, _):
        return {"value": independent.samples_of(*bytes_in(v, "content"))}

    def trail(self, v, _):
        contents, end = map(bytes.fromhex, v["contents"]), (v["end"][0], bytes.fromhex(v["end"][1]))
        return {"events": [list(event) for event in independent.events_of(contents, *end)]}

    def mark(self, v, _):
        return {"commit": keys.newest_mark(wide(v["slots"]), *bytes_in(v, "key", "store"))}


def chapter_of(chapter):
    """Return a chapter without what later versions may have added."""
    return [*chapter[:6], [[entry[:6] for entry in level] for level in chapter[6]]]


def without_defaults(records, told):
    """Return records without the fields at their ends that the vector does not have."""
    return [record[: len(due)] for record, due in zip(records, told, strict=True)]


ALL = [*published("keys"), *published("content")]


@pytest.mark.parametrize("reader", [Ours(), Theirs()], ids=["ours", "theirs"])
@pytest.mark.parametrize(
    "vector", ALL, ids=[f"{v['kind']}: {v['expect']}: {v['what']}" for v in ALL]
)
def test_published_vectors_open_or_are_refused_for_the_stated_reason(vector, reader, tmp_path):
    read = getattr(reader, vector["kind"])
    if vector["expect"] == "success":
        found = read(vector, tmp_path / "device.key")
        assert found == {name: vector[name] for name in found}
    else:
        with pytest.raises(reader.refusal) as refused:
            read(vector, tmp_path / "device.key")
        assert reader.word(refused.value) == vector["expect"]


@pytest.fixture(scope="module")
def made():
    return all_vectors()


@pytest.mark.parametrize("name", ["seal", "wrap", "keys", "content", "store"])
def test_the_code_still_makes_the_published_vectors(made, name):
    """Byte for byte, but for what is random in HPKE and stays as it was published."""
    assert text_of(made[name]) == (VECTORS / f"{name}.json").read_text()


def test_every_reason_that_a_vector_gives_stands_on_the_page():
    page = " ".join((VECTORS.parents[1] / "docs" / "store-format.md").read_text().split())
    others = [*published("seal"), *published("wrap"), *published("store")["cases"]]
    reasons = {vector["expect"] for vector in [*ALL, *others]} - {"success"}
    assert [reason for reason in sorted(reasons) if f"*{reason}*" not in page] == []
