"""What the disk task counts as lost and as wrong."""

from dataclasses import replace

import pytest

from benchmarks import field
from benchmarks.reliability_tasks.disk import held


@pytest.fixture(scope="module")
def sent():
    return field.day(1, 1)[:20]


def kept(frames):
    return [(f.name, f.boot, f.seq, bytes(f.samples)) for f in frames]


def test_all_there_once_is_neither_lost_nor_wrong(sent):
    assert held(sent, kept(sent), len(sent)) == {"lost": 0, "wrong": 0}


def test_only_what_was_acknowledged_can_be_lost(sent):
    assert held(sent, kept(sent[:15]), 15)["lost"] == 0
    assert held(sent, kept(sent[:15]), 18)["lost"] == 3


def test_a_frame_that_differs_or_stands_there_twice_is_wrong(sent):
    altered = replace(sent[3], samples=bytes(len(sent[3].samples)))
    assert held(sent, kept([*sent[:3], altered, *sent[4:]]), 20) == {"lost": 1, "wrong": 1}
    assert held(sent, kept([*sent, sent[7]]), 20) == {"lost": 0, "wrong": 1}


def test_the_day_bears_names_that_can_be_looked_for(sent):
    assert {f.device for f in sent} <= set(field.DEVICES.values())
    assert all(f.stream.endswith(field.LABEL) for f in sent)
