"""Lanes, context and time, with stages small enough to read."""

import time
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.pipeline import PATIENCE_S, Pipeline
from healthslm.records import Beat, Chunk, Derived, Finding, Tick, Vital


@dataclass(frozen=True, slots=True)
class Nothing:
    """A state that remembers nothing."""


@dataclass(frozen=True, slots=True)
class PerSample:
    """Puts out each sample as a vital of the chunk's kind, dashed."""

    reads: ClassVar[tuple[str, ...]] = ("pulse_rate", "activity")
    chunks: ClassVar[bool] = True

    def start(self) -> Nothing:
        return Nothing()

    def step(self, state: Nothing, chunk: Chunk, /) -> tuple[Nothing, tuple[Vital, ...]]:
        times = chunk.t_s + np.arange(len(chunk.values)) / chunk.fs
        return state, tuple(
            Vital(f"{chunk.kind}_value", chunk.stream, t, v)
            for t, v in zip(times.tolist(), chunk.values.tolist(), strict=True)
        )


@dataclass(frozen=True, slots=True)
class Calm:
    """The newest activity."""

    activity: float = -1.0
    minute: float = -1.0


@dataclass(frozen=True, slots=True)
class WithContext:
    """Tells every pulse rate together with the activity known at that time."""

    reads: ClassVar[tuple[str, ...]] = ("pulse_rate_value",)
    context: ClassVar[tuple[str, ...]] = ("activity_value",)

    def start(self) -> Calm:
        return Calm()

    def step(self, state: Calm, x: Vital, /) -> tuple[Calm, tuple[Finding, ...]]:
        if x.kind == "activity_value":
            return Calm(x.value), ()
        told = (("rate", x.value), ("activity", state.activity))
        return state, (Finding("seen", x.stream, x.t_s, x.t_s, "info", told),)


@dataclass(frozen=True, slots=True)
class WithTicks:
    """Tells every tick, and how many vitals came before it."""

    reads: ClassVar[tuple[str, ...]] = ("pulse_rate_value",)
    context: ClassVar[tuple[str, ...]] = ("tick",)

    def start(self) -> Calm:
        return Calm(0.0)

    def step(self, state: Calm, x: Any, /) -> tuple[Calm, tuple[Finding, ...]]:
        if isinstance(x, Tick):
            return state, (Finding("tick", "", x.t_s, x.t_s, "info", (("n", state.activity),)),)
        return Calm(state.activity + 1), ()


def pipeline(detector: Any) -> Pipeline:
    return Pipeline({"per_sample": PerSample()}, {"detector": detector})


def chunks(cuts: dict[str, list[int]], seconds: int = 600) -> list[Chunk]:
    """Two streams at 1 Hz, each cut in its own way, in order of the ends of the pieces."""
    made = []
    for kind, lengths in cuts.items():
        at = 0
        while at < seconds:
            n = min(lengths[len(made) % len(lengths)] if lengths else 60, seconds - at)
            made.append(Chunk(f"band/{kind}", kind, 0.0, 1.0, at, np.arange(at, at + n) % 97 + 0.5))
            at += n
    return sorted(made, key=lambda c: (c.end_s, c.stream))


def run(
    machine: Pipeline, pieces: list[Chunk], kill: frozenset[int] = frozenset()
) -> list[Derived]:
    out: list[Derived] = []
    for n, piece in enumerate(pieces):
        if n in kill:
            data, machine = machine.snapshot(), pipeline(machine._stages["detector"])
            machine.restore(data)
            assert machine.snapshot() == data
        out += machine.feed(piece)
    return [x for x in out if isinstance(x, Finding)]


lengths = st.lists(st.integers(1, 120), min_size=1, max_size=12)


@pytest.mark.parametrize("detector", [WithContext(), WithTicks()], ids=["context", "ticks"])
@given(pulse=lengths, activity=lengths, kill=st.frozensets(st.integers(0, 30), max_size=4))
def test_cuts_and_restarts_change_nothing(
    detector: Any, pulse: list[int], activity: list[int], kill: frozenset[int]
) -> None:
    """However two streams are cut and wherever the daemon dies, the findings are the same."""
    whole = run(pipeline(detector), chunks({"pulse_rate": [60], "activity": [60]}))
    cut = run(pipeline(detector), chunks({"pulse_rate": pulse, "activity": activity}), kill)
    assert whole
    assert cut == whole


def test_context_is_what_was_known_at_that_time() -> None:
    """A later activity is never seen by an earlier pulse, in whatever order they arrive."""
    for finding in run(pipeline(WithContext()), chunks({"pulse_rate": [7], "activity": [120]})):
        evidence = dict(finding.evidence)
        assert evidence["activity"] == (finding.t0_s % 97) + 0.5


def test_a_silent_context_delays_and_never_blocks() -> None:
    """Without any activity each pulse is told once patience has passed."""
    told = run(pipeline(WithContext()), chunks({"pulse_rate": [10]}))
    assert [f.t0_s for f in told] == list(range(int(600 - PATIENCE_S)))
    assert {dict(f.evidence)["activity"] for f in told} == {-1.0}


def test_a_silent_stream_does_not_gather_context() -> None:
    """What waits is bounded by patience, also where a lane's own stream has ended."""
    machine = pipeline(WithContext())
    machine.feed(Chunk("band/pulse_rate", "pulse_rate", 0.0, 1.0, 0, np.ones(60)))
    sizes = []
    for at in range(0, 6000, 60):
        machine.feed(Chunk("band/activity", "activity", 0.0, 1.0, at, np.ones(60)))
        sizes.append(len(machine.snapshot()))
    assert max(sizes[10:]) - min(sizes[10:]) < 200
    assert max(sizes) < 40_000


def test_a_context_that_runs_wild_costs_no_more_for_each_value() -> None:
    """A stream of 2000 values a second, called slow by its sensor, must not stop the daemon."""
    machine, took_s = pipeline(WithContext()), []
    for at in range(0, 60_000, 10_000):
        chunk = Chunk("band/activity", "activity", 0.0, 2000.0, at, np.ones(10_000))
        began_s = time.process_time()
        machine.feed(chunk)
        took_s.append(time.process_time() - began_s)
    assert min(took_s[3:]) < 10 * took_s[0]


def test_two_streams_never_mix_their_evidence() -> None:
    """Each stream has a lane of its own."""
    machine = pipeline(WithTicks())
    for stream in ("a/pulse_rate", "b/pulse_rate"):
        machine.feed(Chunk(stream, "pulse_rate", 0.0, 1.0, 0, np.ones(60)))
    told = [x for x in machine.feed(Tick(450.0)) if isinstance(x, Finding)]
    assert [dict(f.evidence)["n"] for f in told if f.t0_s == 240.0] == [60, 60]


def test_time_that_passes_without_data_ticks_too() -> None:
    """Where nothing arrives the daemon's clock moves time on: a tick a minute, in order."""
    machine = pipeline(WithTicks())
    machine.feed(Chunk("a/pulse_rate", "pulse_rate", 0.0, 1.0, 0, np.ones(60)))
    told = [f.t0_s for f in machine.feed(Tick(1000.0)) if isinstance(f, Finding)]
    assert told == [60.0 * n for n in range(1, 15)]
    assert machine.feed(Tick(900.0)) == []


@dataclass(frozen=True, slots=True)
class SameName(PerSample):
    """Puts out vitals of the very kind of its chunks, as measured values are."""

    def step(self, state: Nothing, chunk: Chunk, /) -> tuple[Nothing, tuple[Vital, ...]]:
        return state, tuple(Vital(chunk.kind, chunk.stream, chunk.t_s, v) for v in chunk.values)


def test_samples_and_values_of_one_kind_are_told_apart() -> None:
    """A stage of chunks never sees a vital, a stage of vitals never a chunk."""

    @dataclass(frozen=True, slots=True)
    class Values(WithContext):
        reads: ClassVar[tuple[str, ...]] = ("pulse_rate",)
        context: ClassVar[tuple[str, ...]] = ()

    machine = Pipeline({"same": SameName()}, {"values": Values()})
    out = machine.feed(Chunk("a/pulse_rate", "pulse_rate", 0.0, 1.0, 0, np.ones(5)))
    assert [type(x).__name__ for x in out] == ["Vital", "Finding"] * 5


def test_a_lane_of_an_older_version_begins_anew() -> None:
    """A snapshot whose state no longer fits loses that lane's evidence, and nothing else."""
    machine = pipeline(WithTicks())
    machine.feed(Chunk("a/pulse_rate", "pulse_rate", 0.0, 1.0, 0, np.ones(60)))
    changed = Pipeline({"per_sample": PerSample()}, {"detector": PerSample()})
    changed.restore(machine.snapshot())
    assert isinstance(changed.snapshot(), bytes)


def test_in_what_order_streams_began_is_forgotten() -> None:
    """Findings of several streams come in one order, restarted or not."""

    def told(order: str, restart: bool) -> list[Derived]:
        machine = pipeline(WithTicks())
        for name in order:
            n = 60 if name == "a" else 30
            machine.feed(Chunk(f"{name}/pulse_rate", "pulse_rate", 0.0, 1.0, 0, np.ones(n)))
        if restart:
            data, machine = machine.snapshot(), pipeline(WithTicks())
            machine.restore(data)
        return machine.feed(Tick(1000.0))

    assert told("ba", restart=False) == told("ab", restart=False) == told("ba", restart=True)


def test_a_silence_of_years_ticks_for_a_day_and_at_its_end() -> None:
    """A clock that jumps does not keep the processor for minutes."""
    machine = pipeline(WithTicks())
    machine.feed(Chunk("a/pulse_rate", "pulse_rate", 0.0, 1.0, 0, np.ones(60)))
    told = [f.t0_s for f in machine.feed(Tick(1e9 + 150)) if isinstance(f, Finding)]
    assert told == [*(60.0 * n for n in range(1, 1441)), 1e9 // 60 * 60]


def test_a_clock_that_was_set_back_ticks_on() -> None:
    """An hour and less is a sensor ahead of us; more is a clock that was wrong."""
    machine = pipeline(WithTicks())
    machine.feed(Chunk("a/pulse_rate", "pulse_rate", 0.0, 1.0, 0, np.ones(60)))
    machine.feed(Tick(1e6))
    assert machine.feed(Tick(1e6 - 3600.0)) == []
    assert machine.feed(Tick(6000.0)) == []
    told = [f.t0_s for f in machine.feed(Tick(6300.0)) if isinstance(f, Finding)]
    assert told == [6060.0, 6120.0]


def test_the_heaviest_lanes_give_way_and_memory_and_snapshot_agree() -> None:
    """What is left after lightening is what a restart would find."""
    machine = pipeline(WithContext())
    for name in ("busy", "calm"):
        for at in range(0, 100, 20):
            n = 20 if name == "busy" else 1
            values = np.random.default_rng(at).normal(size=n)
            machine.feed(Chunk(f"{name}/pulse_rate", "pulse_rate", 0.0, 1.0, at, values))
    assert machine.lighten(10_000) == 0
    assert machine.lighten(900) == 1
    again = pipeline(WithContext())
    again.restore(machine.snapshot())
    lasts = [m.feed(Tick(1000.0)) for m in (machine, again)]
    assert lasts[0] == lasts[1]
    late = Chunk("calm/activity", "activity", 0.0, 1.0, 1000, np.ones(1))
    assert {f.stream for f in machine.feed(late) if isinstance(f, Finding)} == {"calm/pulse_rate"}


def test_a_lane_that_begins_after_a_restart_knows_the_context_of_before() -> None:
    """What was heard of activity is kept for a stream that comes late."""
    told = []
    for restart in (False, True):
        machine = pipeline(WithContext())
        machine.feed(Chunk("band/activity", "activity", 0.0, 1.0, 0, np.arange(60.0)))
        if restart:
            data, machine = machine.snapshot(), pipeline(WithContext())
            machine.restore(data)
        late = Chunk("band/pulse_rate", "pulse_rate", 0.0, 1.0, 0, np.ones(60))
        last = Chunk("band/activity", "activity", 0.0, 1.0, 1000, np.ones(1))
        out = machine.feed(late) + machine.feed(Tick(1000.0)) + machine.feed(last)
        told.append([dict(x.evidence)["activity"] for x in out if isinstance(x, Finding)])
    assert told == [[float(n) for n in range(60)]] * 2


def test_a_context_is_made_of_values_never_of_samples() -> None:
    """A chunk of the context's own kind goes to the stages of chunks alone."""

    @dataclass(frozen=True, slots=True)
    class Named(WithContext):
        reads: ClassVar[tuple[str, ...]] = ("pulse_rate",)
        context: ClassVar[tuple[str, ...]] = ("activity",)

        def step(self, state: Calm, x: Vital, /) -> tuple[Calm, tuple[Finding, ...]]:
            assert isinstance(x, Vital)
            return state, ()

    machine = Pipeline({"same": SameName()}, {"named": Named()})
    for kind, at in (("pulse_rate", 0), ("activity", 0), ("activity", 1000), ("pulse_rate", 1000)):
        machine.feed(Chunk(f"a/{kind}", kind, 0.0, 1.0, at, np.ones(60)))


@pytest.mark.parametrize("cut", [1, 50, 120])
def test_a_late_lane_knows_the_context_of_its_patience_and_no_older(cut: int) -> None:
    """However the context came, a lane that begins at 600 s knows it from 450 s on."""
    for end, known in ((450, -1.0), (451, 450 % 97 + 0.5)):
        machine = pipeline(WithContext())
        for piece in chunks({"activity": [cut]}, seconds=end):
            machine.feed(piece)
        out = machine.feed(Chunk("a/pulse_rate", "pulse_rate", 0.0, 1.0, 600, np.ones(1)))
        out += machine.feed(Tick(1200.0))
        out += machine.feed(Chunk("b/activity", "activity", 0.0, 1.0, 1200, np.ones(1)))
        seen = [dict(x.evidence)["activity"] for x in out if isinstance(x, Finding)]
        assert seen == [known]


def test_beats_and_vitals_can_be_fed_as_they_are() -> None:
    """A chest strap sends intervals: they go through the lanes as those of an ECG would."""
    line = Pipeline()
    out: list[Derived] = []
    for i in range(100):
        out += line.feed(Beat("beat", "strap/ecg", 1000.0 + i, 1.0 if i else None, good=True))
    rates = [x for x in out if isinstance(x, Vital) and x.kind == "heart_rate"]
    assert [x.value for x in rates] == [60.0] * 9
    assert not [x for x in out if isinstance(x, Beat)]
    found: list[Derived] = []
    for i in range(60):
        found += line.feed(Vital("spo2", "finger/spo2", 1100.0 + 60 * i, 90.0))
    assert {x.kind for x in found if isinstance(x, Finding)} == {"desaturation"}


def test_beats_that_are_fed_bring_time_forward() -> None:
    """Ticks follow them, and a restart changes nothing."""
    items = [Vital("pulse_rate_value", "strap/x", 60.0 * i, 70.0) for i in range(60)]
    line, again = pipeline(WithTicks()), pipeline(WithTicks())
    whole: list[Derived] = []
    cut: list[Derived] = []
    for n, item in enumerate(items):
        whole += line.feed(item)
        if n == 31:
            data, again = again.snapshot(), pipeline(WithTicks())
            again.restore(data)
        cut += again.feed(item)
    assert [x.t0_s for x in whole if isinstance(x, Finding)] == [
        60.0 * i for i in range(1, int((59 * 60 - PATIENCE_S) // 60) + 1)
    ]
    assert cut == whole
