"""Whatever the bytes are, a decoder returns, or raises the error it is known to raise."""

from __future__ import annotations

import random
import time
import zlib
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.fuzz import Target, mutated, run
from benchmarks.fuzz_targets import TARGETS
from healthslm import config, ledger, recordings
from healthslm.cli import shelf
from healthslm.errors import BadMessage, ConfigError, IntegrityError, RecordingError
from healthslm.language.seal import Spoilt, sealed
from healthslm.vault import codec

DEEP = 100_000


@st.composite
def damaged(draw: st.DrawFn, target: Target) -> bytes:
    """Return some bytes, or one of a target's seeds after a few edits."""
    data = draw(st.sampled_from(target.seeds()) | st.binary(max_size=300))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        piece = draw(st.binary(max_size=4) | st.sampled_from(target.tokens))
        times = draw(st.sampled_from([1, 1, 1, 2000]))
        data = data[:at] + piece * times + data[at + draw(st.integers(0, 8)) :]
    return data


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.data())
def test_damaged_bytes_are_read_or_refused_by_type(name, data):
    target = TARGETS[name]
    with suppress(target.allowed):
        target.run(data.draw(damaged(target)))


REFUSED = {
    "topic": "there is no payload",
    "samples": "they are not deflated",
    "model_manifest": "no file has the hash of the seed",
    "model_words": "three words are not the vocabulary",
}


@pytest.mark.parametrize("name", [name for name in TARGETS if name not in REFUSED])
def test_undamaged_bytes_are_read(name):
    """A seed that is refused outright would test nothing but its first check."""
    for data in TARGETS[name].seeds():
        TARGETS[name].run(data)


def exploding(data: bytes) -> None:
    if b"\xff" in data:
        raise KeyError
    if data[:1] == b"\xfe":
        raise ValueError


def endless(data: bytes) -> None:
    until_s = time.process_time() + 60
    while data != b"seed" and time.process_time() < until_s:
        pass


def test_an_error_of_another_type_is_found_with_its_smallest_input():
    target = Target(exploding, ValueError, lambda: [b"seed"], share=1)
    found = run({"planted": target}, 1, 500)
    assert found.executions == 500
    assert [name for name, _ in found.crashes] == ["planted"]
    assert all(len(data) < 8 and b"\xff" in data for data in found.crashes.values())
    assert not found.hangs


def test_what_never_ends_is_found():
    found = run({"planted": Target(endless, (), lambda: [b"seed"], share=1)}, 1, 2)
    assert list(found.hangs) == ["planted"]


def test_the_same_seed_makes_the_same_inputs():
    inputs: list[list[bytes]] = [[], [], []]
    for seed, seen in zip((1, 1, 2), inputs, strict=True):
        run({"planted": Target(seen.append, (), lambda: [b"seed"], share=1)}, seed, 50)
    assert inputs[0] == inputs[1] != inputs[2]
    assert len(set(inputs[0])) > 25


def test_no_input_is_longer_than_the_bound():
    rng = random.Random(1)
    assert all(len(mutated(rng, [bytes(1 << 17)], [b"x"])) <= 1 << 17 for _ in range(200))


def test_what_inflates_beyond_all_bounds_is_refused_before_it_fills_the_memory():
    """Deflated again, since one layer alone packs no more than a thousand to one."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(80)) + packer.flush()
    with pytest.raises(IntegrityError, match="too long"):
        codec.inflate(bomb)


def test_deflated_data_that_end_early_or_go_on_are_refused():
    whole = codec.deflate(b"a heart, a heart, a heart")
    for data in (whole[:-1], whole + b"\0"):
        with pytest.raises(IntegrityError):
            codec.inflate(data)


LANE = ["chest", "ecg", 3, 250.0, "mV", 0.005, 0.0]


def lanes(*frames: list[object], blocks: list[bytes] | None = None, lane: object = None) -> bytes:
    """Return a content of frames; its block holds two samples."""
    head = [*(LANE if lane is None else lane), [list(f) for f in frames]]
    packed = codec.deflate(msgspec.msgpack.encode([head]))
    return msgspec.msgpack.encode((packed, [b"\0" + bytes(4)] if blocks is None else blocks))


FORGED = {
    "more samples than there are": lanes([7, 0, 1.0, None, 3]),
    "fewer samples than there are": lanes([7, 0, 1.0, None, 1]),
    "a count below zero": lanes([7, 0, 1.0, None, -1], [8, 0, 1.0, None, 3]),
    "a lane without a block": lanes([7, 0, 1.0, None, 2], blocks=[]),
    "a frame of four": lanes([7, 0, 1.0, None]),
    "a name that is none": lanes([7, 0, 1.0, None, 2], lane=[1, *LANE[1:]]),
    "half a sample": lanes([7, 0, 1.0, None, 2], blocks=[b"\1" + codec.deflate(bytes(3))]),
}


@pytest.mark.parametrize("body", FORGED.values(), ids=FORGED.keys())
def test_frames_that_do_not_fit_their_samples_are_refused(body):
    with pytest.raises(IntegrityError, match="content: "):
        list(codec.decode_frames(body))


def test_fields_that_a_later_version_adds_to_a_lane_are_passed_over():
    head = [*LANE, [[7, 0, 1.0, None, 2]], "of a later version"]
    packed = codec.deflate(msgspec.msgpack.encode([head]))
    (back,) = codec.decode_frames(msgspec.msgpack.encode((packed, [b"\0" + bytes(4)])))
    assert (back.seq, back.samples) == (7, bytes(4))


@pytest.mark.parametrize(
    "body", [b"\x91\x90", b"\x91\x91\x90", b"\x91\x91\x81\x01\x01", b"\x91" * DEEP, b"\x91\xa1\xff"]
)
def test_records_without_a_known_tag_are_refused(body):
    with pytest.raises(IntegrityError, match="content: "):
        list(codec.decode_derived(codec.deflate(body)))


def test_a_table_whose_only_even_step_is_none_is_refused(tmp_path: Path):
    """The step of half a second is more than one and a half times the median, a quarter."""
    (tmp_path / "t.csv").write_text("time_s,ecg\n0,0.1\n0,0.2\n0.5,0.3\n")
    with pytest.raises(RecordingError, match="even steps"):
        recordings.load(tmp_path / "t.csv")


@pytest.mark.parametrize("text", ["a=" + "[" * DEEP, "a=" + "9" * 5000])
def test_toml_that_its_reader_cannot_take_is_a_fault_of_the_file(text):
    with pytest.raises(ConfigError, match="not TOML"):
        config.parse(text)


@pytest.mark.parametrize("data", [b"\x81\xa1q" + b"\x91" * DEEP, b"\x81\xa1\xff\x01"])
def test_a_state_that_is_too_deep_or_no_text_is_of_another_version(data):
    with pytest.raises(IntegrityError, match="version"):
        ledger.read(data)


@pytest.mark.parametrize("data", [b'{"q":' + b"[" * DEEP, b'{"\xff":1}', b"", b'{"boot":1}'])
def test_an_acknowledgement_that_is_none_ends_no_sensor(data):
    with pytest.raises(BadMessage, match="malformed"):
        ledger.read_ack(data)


def test_a_manifest_that_is_too_deep_is_refused(tmp_path: Path):
    (tmp_path / "manifest.json").write_text("[" * DEEP)
    with pytest.raises(Spoilt, match="form"):
        sealed(tmp_path)
    assert shelf.checked(tmp_path)["reason"] == "the manifest is not one of ours"
    assert shelf.manifest_of(tmp_path) == {}


@pytest.mark.parametrize("name", ["/dev/zero", "../m", "a/b"])
def test_a_manifest_makes_nobody_read_what_lies_elsewhere(tmp_path: Path, name: str):
    (tmp_path / "manifest.json").write_text(f'{{"files": {{"{name}": "00"}}}}')
    assert shelf.checked(tmp_path)["reason"] == "the manifest is not one of ours"


def test_a_name_that_no_file_can_have_is_missing(tmp_path: Path):
    (tmp_path / "manifest.json").write_text('{"files": {"a\\u0000b": "00"}}')
    assert shelf.checked(tmp_path)["files"] == {"a\0b": "missing"}
