"""Every decoder of bytes from outside: what it may raise, and what it should begin with.

To add one: a line in `TARGETS`, and, where its seeds are longer than that, a function that makes
them. Who can write the bytes differs: a sensor or the broker (`frame`, `topic`, `ack`), whoever
holds the card or hands over a file (seals, wraps, marks, recordings, models), or only who holds a
key (what lies inside a seal, `sealed_...`: no attack, but an error of a type is owed).
"""

from __future__ import annotations

import atexit
import io
import lzma
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import msgspec

from benchmarks import fuzz_seeds as seeds
from healthslm import config, errors, ingest, ledger, recordings
from healthslm.cli import shelf
from healthslm.language import seal as models
from healthslm.language import slm, writer
from healthslm.recordings.folder import expected
from healthslm.vault import codec, index, keys, mark, readers, seal

Error = type[BaseException]


@dataclass(frozen=True, slots=True)
class Target:
    """One decoder."""

    run: Callable[[bytes], object]
    allowed: Error | tuple[Error, ...]
    seeds: Callable[[], Sequence[bytes]]
    tokens: Sequence[bytes] = seeds.BINARY
    share: int = 100  # executions for each hundred of a cheap target: files and keys are dear


def _all(decode: Callable[[bytes], Iterator[object]], data: bytes) -> None:
    for _ in decode(data):
        pass


def _topic(data: bytes) -> object:
    return ingest.decode(data.decode("utf-8", "replace"), b"")


def _lanes(data: bytes) -> None:
    block = codec.pack_samples(bytes(20))  # as many as the seed says
    _all(codec.decode_frames, msgspec.msgpack.encode((codec.deflate(data), [block])))


def _rows(data: bytes) -> list[seal.Part]:
    size = seal.ROW_BYTES - seal.OVERHEAD
    cut = [data[i : i + size] for i in range(0, len(data), size)]
    return [seal.unsplit(row, "row 1") for row in cut]


def _open_identity(data: bytes) -> object:
    return readers.open_identity(
        seeds.STORE, seeds.device().public, seeds.owner().id, data, seeds.PASSPHRASE
    )


@cache
def _place() -> Path:
    """Return a folder of this process, in memory where there is such a place."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
    made = Path(tempfile.mkdtemp(prefix="fuzz", dir=memory if memory.is_dir() else None))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def _beside(name: str, **others: bytes) -> Path:
    """Return a file's path in a folder that holds `others`: "__" stands for the dot."""
    folder = _place() / name.replace(".", "-")
    if not folder.exists():
        folder.mkdir()
        for other, content in others.items():
            (folder / other.replace("__", ".")).write_bytes(content)
    return folder / name


def _from_file(read: Callable[[Path], object], path: Callable[[], Path], data: bytes) -> object:
    path().write_bytes(data)
    return read(path())


def _load_beside(path: Path) -> object:
    return recordings.load(path.parent / "r.hea")


def _load_folder(path: Path) -> object:
    return recordings.load(path.parent)


def _device_key(path: Path) -> object:
    path.chmod(0o600)
    return keys.Device.read(path)


_hea = partial(_beside, "r.hea", r__dat=bytes(range(240)), r__atr=seeds.MARKS)
_atr = partial(_beside, "r.atr", r__dat=bytes(range(240)), r__hea=seeds.HEADER)
_dat = partial(_beside, "r.dat", r__hea=seeds.HEADER, r__atr=seeds.MARKS)
_json = partial(_beside, "recording.json", a__i16=bytes(100), a__i16z=bytes(20))
_i16z = partial(_beside, "a.i16z", recording__json=seeds.RECORDING.replace(b"a.i16", b"a.i16z"))
_csv = partial(_beside, "t.csv")
_xz = partial(_beside, "t.csv.xz")
_manifest = partial(_beside, "manifest.json", model__onnx=b"", tokenizer__json=seeds.VOCABULARY)
_tokenizer = partial(_beside, "tokenizer.json", manifest__json=seeds.MANIFEST)

Bad, Integrity, Wrong = errors.BadMessage, errors.IntegrityError, errors.RecordingError

TARGETS = {
    "frame": Target(
        lambda data: ingest.decode(seeds.TOPIC, data),
        Bad,
        lambda: [ingest.encode(seeds.FRAME), ingest.encode(seeds.FRAME, "json")],
        (*seeds.PACKED, *seeds.WORDS, b"\xf9\x7e\x00", b"\xbf", b"\xa1", b"\xc2\x58"),
    ),
    "topic": Target(_topic, Bad, lambda: [seeds.TOPIC.encode()], seeds.LINES),
    "ack": Target(ledger.read_ack, Bad, lambda: [b'{"boot":1,"seq":7,"due":3}'], seeds.WORDS),
    "seal": Target(
        lambda data: seal.unseal(seeds.KEY, seeds.LABEL, data, "row 1"), Integrity, seeds.seals
    ),
    "row": Target(lambda data: seal.join(_rows(data), "row 1"), Integrity, seeds.rows),
    "mark": Target(
        lambda data: mark.read_mark(data, seeds.KEY, seeds.STORE),
        Integrity,
        seeds.mark_file,
        share=20,
    ),
    "device_key": Target(
        partial(_from_file, _device_key, partial(_beside, "device.key")),
        (Integrity, errors.LockedError),
        lambda: [b"HSD1" + seeds.STORE + seeds.KEY],
        share=5,
    ),
    "reader": Target(
        lambda data: readers.read_reader(
            seeds.STORE, seeds.device().public, seeds.owner().id, data
        ),
        Integrity,
        lambda: [readers.reader_record(seeds.device(), seeds.owner().public)],
        share=10,
    ),
    "wrap": Target(
        lambda data: readers.unwrap(seeds.STORE, seeds.device().public, seeds.owner(), 5, data),
        Integrity,
        lambda: [readers.wrap(seeds.device(), seeds.owner().public, seeds.data_key())],
        share=10,
    ),
    "device_wrap": Target(
        lambda data: keys.unwrap_for_device(seeds.device(), 5, data),
        Integrity,
        lambda: [keys.wrap_for_device(seeds.device(), seeds.data_key())],
    ),
    "identity": Target(_open_identity, (Integrity, errors.LockedError), seeds.identity, share=10),
    "sealed_deflate": Target(
        codec.inflate, Integrity, lambda: [codec.deflate(bytes(50) + seeds.KEY)]
    ),
    "sealed_frames": Target(
        partial(_all, codec.decode_frames), Integrity, seeds.frames, seeds.PACKED, 50
    ),
    "sealed_lanes": Target(_lanes, Integrity, seeds.lanes, seeds.PACKED, 50),
    "sealed_samples": Target(
        codec.unpack_samples, Integrity, lambda: [codec.pack_samples(bytes(range(200)))], share=50
    ),
    "sealed_records": Target(
        lambda data: _all(codec.decode_derived, codec.deflate(data)),
        Integrity,
        lambda: [codec.inflate(codec.encode_derived(seeds.RECORDS))],
        seeds.PACKED,
        50,
    ),
    "sealed_letter": Target(
        lambda data: codec.decode_letter(codec.deflate(data)),
        Integrity,
        lambda: [codec.inflate(codec.encode_letter("unit", b"{}"))],
        seeds.PACKED,
        50,
    ),
    "sealed_head": Target(
        lambda data: index.thaw_head(index.STATE + codec.deflate(data)),
        Integrity,
        seeds.head,
        seeds.PACKED,
        50,
    ),
    "sealed_grant": Target(
        lambda data: keys.granted(5, data), Integrity, lambda: [keys.grant(seeds.data_key())]
    ),
    "sealed_state": Target(ledger.read, Integrity, seeds.state, seeds.PACKED),
    "recording": Target(
        partial(_from_file, _load_folder, _json), Wrong, lambda: [seeds.RECORDING], seeds.WORDS, 5
    ),
    "samples": Target(
        partial(_from_file, _load_folder, _i16z), Wrong, lambda: [bytes(20)], share=5
    ),
    "expected": Target(
        partial(_from_file, lambda path: expected(path.parent), partial(_beside, "expected.json")),
        Wrong,
        lambda: [seeds.EXPECTED],
        seeds.WORDS,
        5,
    ),
    "wfdb_header": Target(
        partial(_from_file, _load_beside, _hea),
        Wrong,
        lambda: [seeds.HEADER, seeds.PACKED_HEADER],
        seeds.LINES,
        5,
    ),
    "wfdb_marks": Target(
        partial(_from_file, _load_beside, _atr), Wrong, lambda: [seeds.MARKS], share=5
    ),
    "wfdb_samples": Target(
        partial(_from_file, _load_beside, _dat), Wrong, lambda: [bytes(range(240))], share=5
    ),
    "csv": Target(
        partial(_from_file, recordings.load, _csv),
        Wrong,
        lambda: [seeds.TABLE],
        (*seeds.LINES, b",", b'"'),
        5,
    ),
    "csv_xz": Target(
        partial(_from_file, recordings.load, _xz),
        Wrong,
        lambda: [lzma.compress(seeds.TABLE)],
        share=2,
    ),
    "config": Target(
        lambda data: config.parse(data.decode("utf-8", "replace")),
        errors.ConfigError,
        lambda: [config.default_toml().encode(), b"[detect.fever]\nhot_c = 38.0\n"],
        (*seeds.WORDS, *seeds.LINES, b"'", b'"""', b"#", b"[[", b"0x", b"1979-05-27T07:32:00Z"),
        5,
    ),
    "model_manifest": Target(
        partial(_from_file, lambda path: models.sealed(path.parent), _manifest),
        models.Spoilt,
        lambda: [seeds.MANIFEST],
        seeds.WORDS,
        5,
    ),
    "model_words": Target(
        partial(_from_file, lambda path: writer.identity(path.parent), _tokenizer),
        errors.ModelError,
        lambda: [seeds.VOCABULARY],
        seeds.WORDS,
        5,
    ),
    "model_check": Target(
        partial(_from_file, lambda path: shelf.checked(path.parent), _manifest),
        (),
        lambda: [seeds.MANIFEST],
        seeds.WORDS,
        5,
    ),
    "model_request": Target(
        lambda data: slm.request(io.BytesIO(data)),
        slm.Refusal,
        lambda: [seeds.REQUEST],
        seeds.WORDS,
        50,
    ),
}
