"""Every file in `sensors/` is asked whether a device could be built by it."""

import tomllib

import pytest

from healthslm import config, ingest
from healthslm.records import Frame

FILES = sorted(config.resource("sensors").glob("*.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_frames_made_by_the_file_are_accepted_and_reach_the_whole_range(path):
    device = tomllib.loads(path.read_text())
    assert set(device) == {"name", "source", "payload", "stream"}
    assert device["payload"] == "native"
    assert device["name"] and device["source"]
    for stream in device["stream"]:
        assert set(stream) == {"topic", "fs", "unit", "gain", "offset", "range", "accuracy"}
        kind = stream["topic"].split("/")[4]
        ends = [round((v - stream["offset"]) / stream["gain"]) for v in stream["range"]]
        for start, raw in enumerate(ends):
            frame = Frame("x", kind, 1, start, start, 1.7e9, stream["fs"], stream["unit"],
                          stream["gain"], stream["offset"], (raw,))  # fmt: skip
            topic = stream["topic"].replace("+", "x")
            assert ingest.decode(topic, ingest.encode(frame))[1].seq == start
        span = stream["range"][1] - stream["range"][0]
        back = [raw * stream["gain"] + stream["offset"] for raw in ends]
        assert back == pytest.approx(stream["range"], abs=span / 1000)


def test_there_are_sensors():
    assert len(FILES) >= 3
