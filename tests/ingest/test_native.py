import json
import re
from dataclasses import replace
from pathlib import Path

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm import ingest
from healthslm.errors import BadMessage
from healthslm.ingest.native import MAX_INT, MAX_PAYLOAD
from healthslm.records import Frame

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text())
FORMAT = Path(__file__).parents[2] / "docs" / "wire-format.md"
TOPIC = "healthslm/1/ada/chest/ecg/frame"
ECG = Frame("chest", "ecg", 3, 7, 8750, 1.7e9, 250.0, "mV", 0.005, 0.0, b"\n\0\x0b\0", 6)

finite = st.floats(allow_nan=False, allow_infinity=False, max_value=1e12, min_value=-1e12)
whole = st.integers(0, MAX_INT)
frames = st.builds(
    Frame,
    device=st.just("chest"),
    stream=st.sampled_from(["ecg", "ecg-v5"]),
    boot=whole,
    seq=whole,
    start=whole,
    t_s=st.floats(0, 1e11),
    fs=st.floats(50, 2000),
    unit=st.sampled_from(["mV", "uV", "V"]),
    gain=finite.filter(bool),
    offset=finite,
    samples=st.lists(st.integers(-32768, 32767), min_size=1, max_size=250).map(tuple),
    kept=st.none() | st.just(0),
)


def read(topic: str, payload: bytes) -> dict | str:
    """Return what a payload is read as, in the words of the vectors."""
    try:
        person, frame = ingest.decode(topic, payload)
    except BadMessage as exc:
        return exc.reason
    fields = {name: getattr(frame, name) for name in Frame.__slots__}
    values = [
        int.from_bytes(frame.samples[i : i + 2], "little", signed=True)
        for i in range(0, len(frame.samples), 2)
    ]
    return {"person": person, **fields, "samples": values}


@pytest.mark.parametrize("vector", VECTORS, ids=[v["name"] for v in VECTORS])
def test_every_vector_is_read_as_it_says(vector):
    payload = vector["payload"]
    data = (
        bytes.fromhex(payload)
        if isinstance(payload, str)
        else bytes.fromhex(payload["byte"]) * payload["times"]
    )
    assert read(vector["topic"], data) == vector["expect"]


def test_every_reason_that_decoding_gives_has_a_vector_and_a_line_in_the_format():
    reasons = {v["expect"] for v in VECTORS if isinstance(v["expect"], str)}
    documented = set(re.findall(r"^\| `([a-z ]+)` \|", FORMAT.read_text(), re.M))
    assert reasons == {
        *("topic", "oversized", "malformed", "kind", "unit", "range", "too long"),
    }
    assert reasons <= documented


def test_the_worked_example_of_the_format_is_what_we_write():
    blocks = re.findall(r"```\n(.*?)```", FORMAT.read_text(), re.S)
    text, binary = blocks[-2].strip().encode(), bytes.fromhex(blocks[-1])
    _, frame = ingest.decode(TOPIC, text)
    assert ingest.encode(frame, "json") == text
    assert ingest.encode(frame) == binary


@given(frame=frames, form=st.sampled_from(["cbor", "json"]))
def test_what_is_written_is_read_back(frame, form):
    topic = ingest.topic("ada", frame.device, frame.stream)
    person, back = ingest.decode(topic, ingest.encode(frame, form))
    as_bytes = b"".join(n.to_bytes(2, "little", signed=True) for n in frame.samples)
    assert (person, back) == ("ada", replace(frame, samples=as_bytes))


@given(payload=st.binary(max_size=300))
def test_any_bytes_are_a_frame_or_a_bad_message(payload):
    assert isinstance(read(TOPIC, payload), dict | str)


@given(topic=st.text(max_size=60))
def test_any_topic_is_known_or_a_bad_message(topic):
    assert read(topic, ingest.encode(ECG)) == "topic"


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(key=st.sampled_from(["b", "s", "i", "t", "fs", "u", "g", "o", "k", "x"]), value=anything)
def test_any_value_under_any_key_is_a_frame_or_a_bad_message(key, value):
    good = cbor2.loads(ingest.encode(ECG))
    assert isinstance(read(TOPIC, cbor2.dumps({**good, key: value})), dict | str)


@given(at=st.integers(0, 70), byte=st.integers(0, 255))
def test_any_changed_byte_gives_a_frame_or_a_bad_message(at, byte):
    payload = bytearray(ingest.encode(ECG))
    payload[at % len(payload)] = byte
    assert isinstance(read(TOPIC, bytes(payload)), dict | str)


def test_deep_nesting_and_huge_numbers_are_malformed_or_out_of_range():
    assert read(TOPIC, b"\xa1\x61x" + b"\x81" * 60_000) == "malformed"
    assert read(TOPIC, b'{"x":' + b"[" * 60_000) == "malformed"
    huge = json.loads(ingest.encode(ECG, "json")) | {"s": 10**4000}
    payload = json.dumps({**huge, "s": 0}).replace('"s": 0', '"s": 1' + "0" * 4000).encode()
    assert read(TOPIC, payload) in ("range", "malformed")
    big_t = cbor2.dumps({**cbor2.loads(ingest.encode(ECG)), "t": 10**400})
    assert read(TOPIC, big_t) in ("range", "malformed")


@pytest.mark.parametrize(
    ("fs", "most"), [(250.0, 1250), (2000.0, 10_000), (1.5, 7), (1.0, 120), (1 / 60, 2)]
)
def test_a_frame_may_span_exactly_its_limit(fs, most):
    frame = replace(ECG, fs=fs, samples=bytes(2 * most))
    assert isinstance(read(TOPIC, ingest.encode(frame)), dict)
    assert read(TOPIC, ingest.encode(replace(frame, samples=bytes(2 * most + 2)))) == "too long"


def test_a_payload_may_be_exactly_64_kib():
    text = ingest.encode(ECG, "json")
    padded = text[:-1] + b" " * (MAX_PAYLOAD - len(text)) + b"}"
    assert isinstance(read(TOPIC, padded), dict)
    assert read(TOPIC, padded[:-1] + b" }") == "oversized"


def test_refusals_hold_nothing_of_the_payload():
    secret = json.loads(ingest.encode(ECG, "json")) | {"u": "canary-7391"}
    with pytest.raises(BadMessage) as caught:
        ingest.decode(TOPIC, json.dumps(secret).encode())
    assert "7391" not in f"{caught.value!r} {caught.value}"
