import numpy as np
import pytest

from healthslm.ingest import UNITS, physical
from healthslm.records import Frame


def frame(stream, unit, samples, gain=1.0, offset=0.0):
    return Frame("d", stream, 0, 0, 100, 0.0, 1.0, unit, gain, offset, samples)


@pytest.mark.parametrize(
    ("stream", "unit", "gain", "raw", "value"),
    [
        ("ecg", "mV", 0.005, 200, 1.0),
        ("ecg", "uV", 5.0, 200, 1.0),
        ("ecg", "V", 0.001, 2, 2.0),
        ("ppg", "1", 0.5, 3, 1.5),
        ("respiration", "1", 1.0, 3, 3.0),
        ("spo2", "%", 1.0, 97, 97.0),
        ("spo2", "1", 0.01, 97, 97.0),
        ("temperature", "Cel", 0.1, 370, 37.0),
        ("temperature", "[degF]", 0.1, 986, 37.0),
        ("temperature", "K", 0.05, 6203, 37.0),
        ("heart_rate", "/min", 1.0, 72, 72.0),
        ("heart_rate", "Hz", 0.1, 12, 72.0),
        ("respiratory_rate", "/min", 1.0, 16, 16.0),
        ("respiratory_rate", "Hz", 0.25, 1, 15.0),
        ("activity", "g", 0.001, 250, 0.25),
        ("activity", "[g]", 0.001, 250, 0.25),
        ("activity", "m/s2", 0.0980665, 25, 0.25),
        ("acceleration", "g", 0.001, 250, 0.25),
        ("acceleration", "[g]", 0.001, 250, 0.25),
        ("acceleration", "m/s2", 0.0980665, 25, 0.25),
        ("systolic", "mm[Hg]", 1.0, 120, 120.0),
        ("systolic", "kPa", 0.1013250, 150, 114.0),
        ("diastolic", "mm[Hg]", 1.0, 80, 80.0),
        ("diastolic", "kPa", 0.1013250, 100, 76.0),
        ("glucose", "mg/dL", 1.0, 180, 180.0),
        ("glucose", "mmol/L", 0.1, 100, 180.182),
    ],
)
def test_every_unit_comes_to_the_canonical_one(stream, unit, gain, raw, value):
    assert physical(frame(stream, unit, (raw,), gain), 0.0).values == pytest.approx([value])


def test_every_unit_is_tested_above():
    (mark,) = test_every_unit_comes_to_the_canonical_one.pytestmark
    assert {(c[0], c[1]) for c in mark.args[1]} == {(k, u) for k in UNITS for u in UNITS[k]}


def test_the_offset_is_in_the_unit_sent():
    fahrenheit = frame("temperature", "[degF]", (0,), 0.1, 98.6)
    assert physical(fahrenheit, 0.0).values == pytest.approx([37.0])


def test_missing_samples_are_nan_and_only_they():
    chunk = physical(frame("ecg", "mV", (-32768, -32767, 32767)), 0.0)
    assert np.isnan(chunk.values).tolist() == [True, False, False]


def test_bytes_and_integers_give_the_same_chunk():
    numbers = (1, -2, 300, -32768)
    data = b"".join(n.to_bytes(2, "little", signed=True) for n in numbers)
    one = physical(frame("ecg", "uV", numbers, 0.3, 0.1), 5.0)
    two = physical(frame("ecg", "uV", data, 0.3, 0.1), 5.0)
    assert one.values.tobytes() == two.values.tobytes()
    assert (two.stream, two.kind, two.start, two.epoch_s, two.fs) == ("d/ecg", "ecg", 100, 5.0, 1.0)


def test_a_stream_with_a_word_after_its_kind_has_its_unit():
    assert physical(frame("ecg-v5", "V", (1,)), 0.0).values.tolist() == [1000.0]
