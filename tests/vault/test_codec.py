"""Frames and records come back as they went in."""

import struct
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.errors import IntegrityError
from healthslm.records import Beat, Frame, Vital
from healthslm.vault import codec

from .given import EVERY_KIND, T0, frame
from .independent_reader import samples_of

int16s = st.lists(st.integers(-32768, 32767), max_size=300)
waves = st.builds(
    lambda start, steps: np.cumsum([start, *steps]).astype("<i2").tolist(),
    st.integers(-1000, 1000),
    st.lists(st.integers(-20, 20), max_size=400),
)
finite = st.floats(allow_nan=False)
names = st.text(max_size=20)
frames = st.builds(
    lambda head, samples: Frame(*head, tuple(samples), None),
    st.tuples(
        names, names, st.integers(0, 2**40), st.integers(0, 2**40), st.integers(0, 2**40),
        finite, finite, names, finite, finite,
    ),
    int16s,
)  # fmt: skip


@given(st.one_of(int16s, waves))
def test_samples_come_back_exactly_and_as_the_page_says(samples):
    data = struct.pack(f"<{len(samples)}h", *samples)
    block = codec.pack_samples(data)
    assert codec.unpack_samples(block) == data
    assert samples_of(block) == samples
    assert len(block) <= len(data) + 1


@pytest.mark.parametrize(
    ("codec_id", "samples"),
    [
        (0, np.random.default_rng(1).integers(-32768, 32768, 500)),
        (1, np.cumsum(np.random.default_rng(1).integers(-9, 9, 2000))),
        (2, 9000 * np.sin(np.arange(2000) / 40)),
    ],
    ids=["noise", "a walk", "a smooth wave"],
)
def test_each_codec_is_kept_where_it_is_the_smallest(codec_id, samples):
    assert codec.pack_samples(np.asarray(samples, "<i2").tobytes())[0] == codec_id


def test_ecg_takes_less_than_half_its_bytes():
    assert len(codec.pack_samples(frame().samples)) < 1250


@given(st.lists(frames, max_size=6))
def test_frames_come_back_lane_by_lane_with_their_samples_as_bytes(sent):
    back = list(codec.decode_frames(codec.encode_frames(sent)))
    plain = [replace(f, samples=struct.pack(f"<{f.count}h", *f.samples)) for f in sent]
    assert sorted(map(repr, back)) == sorted(map(repr, plain))


def test_frames_of_one_lane_keep_their_order():
    sent = [frame(i, stream) for i in range(5) for stream in ("ecg", "ppg")]
    back = list(codec.decode_frames(codec.encode_frames(sent)))
    assert [f.seq for f in back if f.stream == "ecg"] == [0, 1, 2, 3, 4]
    assert set(back) == set(sent)


def test_samples_beyond_16_bits_are_our_own_mistake():
    with pytest.raises(OverflowError):
        codec.encode_frames([replace(frame(), samples=(40_000,))])


def test_every_kind_of_record_comes_back_equal_and_in_order():
    assert tuple(codec.decode_derived(codec.encode_derived(EVERY_KIND))) == EVERY_KIND


@given(st.lists(st.builds(Vital, names, names, finite, st.floats(allow_nan=False))))
def test_any_vital_comes_back_equal(vitals):
    assert list(codec.decode_derived(codec.encode_derived(vitals))) == vitals


def test_numbers_of_numpy_come_back_as_plain_numbers():
    sent = [Beat("beat", "a/b", np.float64(T0), np.float64(0.5), np.bool_(True))]
    (back,) = codec.decode_derived(codec.encode_derived(sent))
    assert back == Beat("beat", "a/b", T0, 0.5, True)
    assert type(back.t_s) is float and type(back.good) is bool


def test_a_record_that_holds_anything_else_is_our_own_mistake():
    with pytest.raises(TypeError, match="may not hold"):
        codec.encode_derived([Vital("spo2", "a/b", T0, object())])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xff",
        codec.deflate(b"\xc1"),
        codec.deflate(b"\x01"),
        codec.deflate(b"\x91\x92\xa1?\x01"),
        codec.deflate(b"\x91\x92\xa1v\x01"),
    ],
)
def test_records_of_another_form_are_refused_by_type(body):
    with pytest.raises(IntegrityError, match="content: "):
        list(codec.decode_derived(body))


def test_an_unknown_codec_is_refused():
    with pytest.raises(IntegrityError, match="unknown codec"):
        codec.unpack_samples(b"\x09abc")


def test_a_letter_comes_back():
    assert codec.decode_letter(codec.encode_letter("bad", b"\0\1")) == ("bad", b"\0\1")
