"""What is asked of every stage: the conformance suite of signals and detectors.

Stages are found, not listed. A stage that reads a kind for which nothing is made here fails,
so a new one cannot slip through: give it input in `MADE`.
"""

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import healthslm
from healthslm.detect import detectors
from healthslm.pipeline import LATENCY_S
from healthslm.records import MAX_SPAN_S, SLOW_KINDS, Beat, Chunk, Finding, Spectrum, Tick, Vital
from healthslm.signals import signals
from healthslm.stage import freeze, thaw

T0 = 1_700_000_000.0  # UTC; a float of this size is exact to 0.24 µs, as in real life
DAY_S = 86_400.0
MAX_STATE_BYTES = 16384  # of one lane: an ECG, a PPG and what follows from them stay in 16 KiB
SLOW = SLOW_KINDS
FAST = ("ecg", "ppg", "respiration", "acceleration")

Item = Chunk | Beat | Vital | Spectrum | Tick


# ---- input, made from a seed ----------------------------------------------------------------


def pulses_at(rng: np.random.Generator, seconds: float) -> list[float]:
    """Return times of beats: regular, then irregular, with two pauses."""
    times, t = [], 0.4
    while t < seconds:
        times.append(t)
        t += 0.85 + 0.03 * rng.standard_normal() if t < seconds / 2 else rng.uniform(0.45, 1.2)
        t += {20: 1.6, 30: 2.6}.get(len(times), 0.0)
    return times


def waveform(kind: str, fs: float, seconds: float, seed: int = 1) -> np.ndarray:
    """Return a signal in the unit of its kind: bumps at the beats, drift and noise."""
    if kind == "acceleration":
        return movement(fs, seconds, seed)
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * fs)) / fs
    x = 0.2 * np.sin(2 * np.pi * 0.2 * t) + 0.02 * rng.standard_normal(len(t))
    if kind == "respiration":
        return x
    bumps = {
        "ecg": ((0.0, 0.012, 1.0), (0.035, 0.012, -0.25), (0.25, 0.05, 0.25)),
        "ppg": ((0.0, 0.1, 1.0), (0.27, 0.12, 0.35)),
    }[kind]
    for beat in pulses_at(rng, seconds):
        size = 1.0 if beat < seconds / 2 else rng.uniform(0.15, 1.0)
        for delay, width, height in bumps:
            x += size * height * np.exp(-(((t - beat - delay) / width) ** 2))
    return x


def movement(fs: float, seconds: float, seed: int = 1) -> np.ndarray:
    """Return x, y, z in turn, in g: rest, steps, a blow, and rest in another posture; repeated."""
    rng = np.random.default_rng(seed)
    n = int(seconds * fs) // 3
    t = np.arange(n) * 3 / fs % 80
    down = np.clip((t - 15.2) / 0.6, 0, 1) * np.pi / 2 * (t < 76)  # from z to x
    xyz = np.stack((np.sin(down), np.zeros(n), np.cos(down)))
    walks = ((t >= 5) & (t < 14)) | (t >= 77)
    xyz[2] += 0.35 * np.sin(2 * np.pi * 1.9 * t) * walks
    xyz *= 1 - 0.8 * np.exp(-(((t - 15.2) / 0.15) ** 2))
    xyz += 3.5 * np.exp(-(((t - 15.6) / 0.1) ** 2)) * np.array([[1.0], [0.4], [-0.6]])
    return (xyz + 0.004 * rng.standard_normal((3, n))).T.ravel()


def carried(kind: str) -> list[Item]:
    """Return 130 s of three axes as one chunk before a gap and one after, with all that happens."""
    fs, x = 96.0, waveform(kind, 96.0, 130)
    n = int(fs)
    x[64 * n : 64 * n + 3] = np.nan
    x[85 * n : 88 * n] = np.tile(x[85 * n : 85 * n + 3], n)
    x[90 * n : 100 * n] = np.clip(x[90 * n : 100 * n], -2.0, 2.0)
    stream = f"wrist/{kind}"
    return [
        Chunk(stream, kind, T0, fs, 0, x[: 75 * n]),
        Chunk(stream, kind, T0, fs, 82 * n, x[82 * n :]),
    ]


def fast(kind: str) -> list[Item]:
    """Return 50 s of a waveform, a gap, 14 s with all that happens, a gap, and 58 quiet ones."""
    fs = {"ecg": 128.0, "ppg": 32.0, "respiration": 25.0}[kind]
    x = waveform(kind, fs, 64)
    n = int(fs)
    x[33 * n : 33 * n + 3] = np.nan
    x[40 * n : 42 * n] = x[40 * n]
    x[45 * n : 47 * n] = np.clip(x[45 * n : 47 * n], -0.1, 0.3)
    stream = f"chest/{kind}"
    return [
        Chunk(stream, kind, T0, fs, 0, x[: 50 * n]),
        Chunk(stream, kind, T0, fs, 57 * n, x[50 * n :]),
        Chunk(stream, kind, T0, fs, 90 * n, waveform(kind, fs, 200)[40 * n : 98 * n]),
    ]


def slow(kind: str) -> list[Item]:
    """Return samples at a slow pace that raise and clear every limit, a silence, and vitals."""
    steps = {
        "spo2": ((97, 20), (90, 8), (97, 20), (93, 8), (98, 20)),
        "temperature": ((36.8, 20), (38.6, 10), (36.9, 20), (34.6, 25), (36.8, 40)),
        "heart_rate": ((72, 15), (165, 20), (74, 50), (36, 20), (70, 50), (130, 45), (80, 80)),
        "respiratory_rate": ((14, 20), (27, 20), (14, 70), (7, 10), (14, 20)),
        "activity": ((0.01, 40), (0.3, 3), (0.01, 20), (0.08, 3), (0.01, 660), (0.3, 5)),
        "systolic": ((124, 10), (186, 6), (128, 10), (84, 6), (120, 10)),
        "diastolic": ((78, 10), (122, 6), (80, 10), (55, 6), (75, 10)),
        "glucose": ((110, 20), (48, 30), (120, 20), (265, 180), (130, 60)),
    }[kind]
    rng = np.random.default_rng(2)
    x = np.concatenate([np.full(n, float(level)) for level, n in steps])
    x = x + (0.001 if kind == "activity" else 0.1) * rng.standard_normal(len(x))
    x[5:7] = np.nan
    step_s = 300 if kind == "glucose" else 60
    stream = f"wrist/{kind}"
    items: list[Item] = []
    for start, values in ((0, x), (len(x) + 150, x[:10])):  # a silence of 150 minutes
        items += [
            Chunk(stream, kind, T0, 1 / step_s, start + i, values[i : i + 2])
            for i in range(0, len(values), 2)
        ]
        items += [
            Vital(kind, stream, T0 + (start + i) * step_s, float(v))
            for i, v in enumerate(values)
            if np.isfinite(v)
        ]
    return sorted(items, key=lambda x: x.t_s)


def nights(kind: str) -> list[Item]:
    """Return what `slow` makes, then an hour and more of 34 nights, the last four shifted."""
    usual, shifted, jitter = {
        "heart_rate": (58.0, 66.0, 0.5),
        "rmssd": (45.0, 24.0, 1.0),
        "temperature": (36.3, 37.5, 0.02),
        "respiratory_rate": (14.0, 18.5, 0.1),
    }[kind]
    rng = np.random.default_rng(4)
    midnight_s = T0 - T0 % DAY_S + 2 * DAY_S
    slept: list[Item] = []
    for night in range(34):
        middle = (shifted if night in (29, 30, 31, 32) else usual) + jitter * rng.standard_normal()
        for i in (*range(15), 94):  # and once after seven
            value = float(middle + jitter * rng.standard_normal())
            slept.append(
                Vital(kind, f"wrist/{kind}", midnight_s + night * DAY_S + 600 + 300 * i, value)
            )
    return (slow(kind) if kind in SLOW else []) + slept


def oximeter(kind: str) -> list[Item]:
    """Return what `slow` makes, then a night with a dip every two minutes, and a new evening."""
    t0_s = T0 + 6 * 3600
    night: list[Item] = [
        Vital(kind, f"wrist/{kind}", t0_s + 4.0 * i, 96.0 - 5.0 * (i % 30 in range(10, 15)))
        for i in range(4000)
    ]
    return [*slow(kind), *night, Vital(kind, f"wrist/{kind}", t0_s + DAY_S, 97.0)]


def beats(kind: str) -> list[Item]:
    """Return an hour of beats with all that happens, and after two hours more a night of cycles."""
    rng = np.random.default_rng(3)
    items: list[Item] = []
    t = T0 + 0.123
    for i in range(3600):
        rr = 0.8 + 0.03 * rng.standard_normal() if i < 1500 else rng.uniform(0.4, 1.3)
        rr = {200: 2.4, 300: 3.2}.get(i, rr)
        good = not 500 <= i < 520
        t += 40.0 if i == 700 else rr
        label = "NNNVNVNVNVNNNVVVVVVNSNSQN"[i % 25] if 900 <= i < 1200 or i > 3400 else "N"
        rr = 0.5 if label == "V" and i < 1200 else rr
        items.append(Beat(kind, "chest/ecg", t, None if i in (0, 700) else rr, good, label))
    t += 7200.0
    items.append(Beat(kind, "chest/ecg", t, None, good=True, label="N"))
    for i in range(3300):  # 80 minutes in which the heart swings in cycles, as with apnoea
        swing = 0.15 * np.exp(-(((i % 40 - 20) / 6) ** 2))
        rr = float(1.5 - swing + 0.01 * rng.standard_normal())
        t += rr
        items.append(Beat(kind, "chest/ecg", t, rr, good=True, label="N"))
    return items


def quality(kind: str) -> list[Item]:
    """Return the quality of blocks: good, poor for two minutes, good."""
    values = [0.95] * 10 + [0.2] * 12 + [0.9] * 30 + [0.0] * 4 + [0.9] * 10
    return [Vital(kind, "chest/ecg", T0 + 10.0 * i, v) for i, v in enumerate(values, 1)]


def swing(kind: str) -> list[Item]:
    """Return seconds of swing in each block: none, some, all, none."""
    values = [0.0] * 5 + [2.0, 6.0, 10.0, 4.0, 0.0, 8.0] + [0.0] * 8 + [4.0] + [0.0] * 9
    return [Vital(kind, "chest/ecg", T0 + 10.0 * i, v) for i, v in enumerate(values, 1)]


def turns(kind: str) -> list[Item]:
    """Return how far a sleeper turned, minute by minute."""
    values = [60.0] * 5 + [1.0] * 40 + [30.0] * 2 + [2.0] * 200 + [80.0] * 10
    return [Vital(kind, "wrist/acceleration", T0 + 60.0 * i, v) for i, v in enumerate(values)]


def asleep(kind: str) -> list[Item]:
    """Return half an hour awake, two and a half asleep, and ten minutes awake."""
    values = [0.0] * 6 + [1.0] * 30 + [0.0] * 2
    return [Vital(kind, "wrist/acceleration", T0 + 300.0 * i, v) for i, v in enumerate(values, 1)]


def breaths(kind: str) -> list[Item]:
    """Return what an ECG, or 10 min later a PPG, shows of breathing, and its quality; a silence."""
    stream = "chest/ecg" if "ecg" in kind else "wrist/ppg"
    rng = np.random.default_rng(len(stream))
    rates, sure = 15 + rng.standard_normal(100), rng.uniform(0.1, 0.9, 100)
    values = sure if kind.endswith("_quality") else rates
    at = [i + (0 if "ecg" in kind else 30) for i in (*range(60), *range(240, 280))]
    return [Vital(kind, stream, T0 + 20.0 * i, float(v)) for i, v in zip(at, values, strict=True)]


def ticks(kind: str) -> list[Item]:
    """Return six hours of minutes."""
    return [Tick(T0 + 60.0 * i) for i in range(360)]


def spectra(kind: str) -> list[Item]:
    """Return four minutes of a pulse of 118/min beside steps of 100/min, then as long at rest."""
    line, bins_per_hz = {"pulse_spectrum": (118, 16), "motion_spectrum": (100, 8)}[kind]
    per_min = np.arange(bins_per_hz // 2, 4 * bins_per_hz + 1) * 60 / bins_per_hz
    db = np.minimum(((per_min - line) / 4) ** 2, 30).astype(np.uint8).tobytes()
    stream = {"pulse_spectrum": "wrist/ppg", "motion_spectrum": "wrist/acceleration"}[kind]
    moving = [Spectrum(kind, stream, T0 + 2.0 * i, 0.1, db) for i in range(120)]
    after = T0 + 400.0
    return moving + [Spectrum(kind, stream, after + 2.0 * i, 1e-6, db) for i in range(120)]


MADE: dict[str, Callable[[str], list[Item]]] = {
    **dict.fromkeys(("ecg", "ppg", "respiration"), fast),
    "acceleration": carried,
    **dict.fromkeys(SLOW, slow),
    **dict.fromkeys(("heart_rate", "rmssd", "temperature", "respiratory_rate"), nights),
    "spo2": oximeter,
    **dict.fromkeys(("beat", "pulse"), beats),
    **dict.fromkeys(("ecg_quality", "ppg_quality"), quality),
    "ecg_swing": swing,
    "posture_change": turns,
    "asleep": asleep,
    **dict.fromkeys(("pulse_spectrum", "motion_spectrum"), spectra),
    **dict.fromkeys(("breaths_ecg", "breaths_ecg_quality"), breaths),
    **dict.fromkeys(("breaths_ppg", "breaths_ppg_quality"), breaths),
    "tick": ticks,
}


def given_to(stage: Any, kind: str) -> list[Item]:
    """Return what a lane of `stage` is given: its own kind, and its context from elsewhere."""
    chunks = getattr(stage, "chunks", False)
    items = [x for x in MADE[kind](kind) if isinstance(x, Chunk) == chunks]
    assert items, f"{stage} reads {kind}: nothing here makes it, or `chunks` is wrong"
    for other in getattr(stage, "context", ()):
        items = items + [x for x in MADE[other](other) if not isinstance(x, Chunk)]
    # as the pipeline does; stable: a stream keeps its order
    return sorted(items, key=lambda x: (x.t_s, "tick" if isinstance(x, Tick) else x.kind))


# ---- how a stage is run ----------------------------------------------------------------------


def cut(items: Sequence[Item], sizes: Iterator[int]) -> Iterator[Item]:
    """Yield the items with every chunk cut into pieces of the sizes that are given."""
    for x in items:
        if not isinstance(x, Chunk):
            yield x
            continue
        at = 0
        while at < len(x.values):
            size = next(sizes)
            yield replace(x, start=x.start + at, values=x.values[at : at + size])
            at += size


def run(stage: Any, items: Iterator[Item] | Sequence[Item]) -> tuple[bytes, list[Any]]:
    """Return the frozen state and the outputs."""
    state, out = stage.start(), []
    for x in items:
        state, new = stage.step(state, x)
        assert isinstance(new, tuple)
        out += new
    return freeze(state), out


def forever(*sizes: int) -> Iterator[int]:
    while True:
        yield from sizes


STAGES = {**signals(), **detectors()}
LANES = [(name, kind) for name, stage in STAGES.items() for kind in stage.reads]
every_lane = pytest.mark.parametrize(("name", "kind"), LANES, ids=[f"{n}-{k}" for n, k in LANES])
every_stage = pytest.mark.parametrize("name", STAGES)
chunked_lane = pytest.mark.parametrize(
    ("name", "kind"),
    [(n, k) for n, k in LANES if n in signals() and getattr(STAGES[n], "chunks", False)],
)


# ---- what a stage is -------------------------------------------------------------------------


def test_both_packages_hold_stages() -> None:
    assert {"ppg", "rate", "hrv", "measured"} <= set(signals())
    assert {"bradycardia", "desaturation", "fever", "pause", "poor_signal"} <= set(detectors())
    assert not set(signals()) & set(detectors())
    assert len({id(stage) for stage in STAGES.values()}) == len(STAGES)  # none under two names


@every_stage
def test_input_is_made_for_every_kind_that_is_read(name: str) -> None:
    """A new stage that reads something new must bring its input to this suite."""
    stage = STAGES[name]
    assert stage.reads
    assert {*stage.reads, *getattr(stage, "context", ())} <= set(MADE)


@every_stage
def test_parameters_and_state_are_frozen_and_can_be_replaced(name: str) -> None:
    stage = STAGES[name]
    for thing in (stage, stage.start()):
        assert is_dataclass(thing)
        assert type(thing).__dataclass_params__.frozen
    assert replace(stage, **{f.name: getattr(stage, f.name) for f in fields(stage)}) == stage
    assert freeze(stage.start()) == freeze(stage.start())


@pytest.mark.parametrize("name", signals())
def test_a_signal_says_how_far_it_may_lag(name: str) -> None:
    assert 0 <= STAGES[name].latency_s <= LATENCY_S


@every_lane
def test_the_input_of_this_suite_leads_to_something(name: str, kind: str) -> None:
    """What follows would be empty words for a stage that is silent on its input."""
    assert run(STAGES[name], given_to(STAGES[name], kind))[1]


# ---- obligations -----------------------------------------------------------------------------


@every_lane
@settings(max_examples=6)
@given(sizes=st.lists(st.integers(1, 300), min_size=1, max_size=8))
def test_how_the_stream_is_cut_does_not_matter(name: str, kind: str, sizes: list[int]) -> None:
    stage = STAGES[name]
    items = given_to(stage, kind)
    assert run(stage, cut(items, forever(*sizes))) == run(stage, items)


@chunked_lane
def test_one_sample_at_a_time_is_the_same_stream(name: str, kind: str) -> None:
    stage = STAGES[name]
    items = [x for x in given_to(stage, kind) if isinstance(x, Chunk)]
    items = [replace(x, values=x.values[-1500:]) for x in items]
    assert run(stage, cut(items, forever(1))) == run(stage, items)


@every_lane
def test_a_restart_at_any_moment_does_not_matter(name: str, kind: str) -> None:
    """The state is frozen and thawed after every single input."""
    stage = STAGES[name]
    items = list(cut(given_to(stage, kind), forever(97, 5, 211)))
    state, out = stage.start(), []
    for x in items:
        state, new = stage.step(thaw(stage, freeze(state)), x)
        out += new
    assert (freeze(state), out) == run(stage, items)


@every_lane
def test_memory_is_bounded(name: str, kind: str) -> None:
    """Three rounds of the same input end in a state no larger than two do."""
    stage = STAGES[name]
    items = list(cut(given_to(stage, kind), forever(200)))
    largest = [0, 0, 0]
    state = stage.start()
    for n in range(3):
        for x in later(items, n * DAY_S):
            state, _ = stage.step(state, x)
            largest[n] = max(largest[n], len(freeze(state)))
    assert largest[2] <= largest[1] + 16  # an integer may take a few bytes more
    assert max(largest) <= MAX_STATE_BYTES


def later(items: Sequence[Item], by_s: float) -> list[Item]:
    """Return the items moved in time; of a chunk the index moves, as at a gap."""
    moved: list[Item] = []
    for x in items:
        if isinstance(x, Chunk):
            moved.append(replace(x, start=x.start + round(by_s * x.fs)))
        else:
            moved.append(replace(x, t_s=x.t_s + by_s))
    return moved


@every_lane
@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.6, 0.75])
def test_a_gap_ends_evidence(name: str, kind: str, share: float) -> None:
    """Nothing that is told reaches over a day in which nothing came."""
    if name == "no_data":
        return  # the silence itself is what it tells
    stage = STAGES[name]
    items = list(cut(given_to(stage, kind), forever(250)))
    at = int(share * len(items))
    middle_s = items[at].t_s + DAY_S / 2
    after = later(items[at:], DAY_S)
    first = next((i for i, x in enumerate(after) if isinstance(x, Beat)), None)
    if first is not None:
        after[first] = replace(after[first], rr_s=None)
    for x in run(stage, items[:at] + after)[1]:
        if isinstance(x, Finding):
            assert not x.t0_s < middle_s < x.t1_s
        if isinstance(x, Beat) and x.rr_s is not None:
            assert not x.t_s - x.rr_s < middle_s < x.t_s


@every_lane
def test_outputs_come_in_order_of_time(name: str, kind: str) -> None:
    stage = STAGES[name]
    _, out = run(stage, cut(given_to(stage, kind), forever(123)))
    times = [x.t1_s if isinstance(x, Finding) else x.t_s for x in out]
    assert times == sorted(times)


@pytest.mark.parametrize(("name", "kind"), [x for x in LANES if x[0] in signals()])
@pytest.mark.parametrize("size", [1, 40, 100_000])
def test_outputs_are_neither_too_old_nor_of_the_future(name: str, kind: str, size: int) -> None:
    """What lies before a gap may be told when the gap ends: late, but not out of order."""
    stage = STAGES[name]
    state, before_s = stage.start(), np.inf
    items = given_to(stage, kind)
    if size == 1:
        items = [replace(x, values=x.values[:1000]) if isinstance(x, Chunk) else x for x in items]
    for x in cut(items, forever(size)):
        state, out = stage.step(state, x)
        now_s = x.end_s if isinstance(x, Chunk) else x.t_s
        for y in out:
            assert min(x.t_s, before_s) - stage.latency_s <= y.t_s <= now_s
        before_s = now_s


@every_lane
def test_inputs_and_old_states_are_left_as_they_were(name: str, kind: str) -> None:
    """No stage writes to its input, keeps a view of it, or changes the state it was given."""
    stage = STAGES[name]
    state = stage.start()
    for x in cut(given_to(stage, kind), forever(200)):
        values = x.values.copy() if isinstance(x, Chunk) else None
        if values is not None:
            x = replace(x, values=values)
            values.flags.writeable = False
        before, old = freeze(state), state
        state, _ = stage.step(state, x)
        assert freeze(old) == before
        if values is not None:
            assert not any(np.shares_memory(held, values) for held in arrays(state))


@every_lane
def test_a_state_holds_on_to_no_more_than_it_needs(name: str, kind: str) -> None:
    """A view of a long array would keep all of it in memory."""
    state = STAGES[name].start()
    items = given_to(STAGES[name], kind)
    if kind in FAST:
        items = [Chunk("chest/x", kind, T0, 100.0, 0, waveform(kind, 100.0, MAX_SPAN_S))]
    for x in items:
        state, _ = STAGES[name].step(state, x)
        for held in arrays(state):
            owner = held if held.base is None else held.base
            assert owner.nbytes <= MAX_STATE_BYTES


def arrays(state: Any) -> Iterator[np.ndarray]:
    """Yield every array in a state."""
    for f in fields(state):
        value = getattr(state, f.name)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, np.ndarray):
                yield part
            elif is_dataclass(part):
                yield from arrays(part)


@chunked_lane
@pytest.mark.parametrize(
    "values",
    [
        np.full(3000, np.nan),
        np.full(3000, np.inf),
        np.zeros(3000),
        np.full(3000, 1e9),
        np.tile([0.0, 1.0], 1500),
        np.array([0.5]),
        np.array([np.nan]),
        np.where(np.arange(3000) % 2, np.nan, 1.0),
    ],
    ids=["nan", "inf", "flat", "huge", "square", "one", "one nan", "half nan"],
)
def test_what_cannot_be_read_is_never_evidence(name: str, kind: str, values: np.ndarray) -> None:
    """No exception, no good beat, no number that is none, and no praise for the signal."""
    stage = STAGES[name]
    before = waveform(kind, 32.0, 20) if kind in FAST else np.empty(0)
    x = np.concatenate((before, values))
    _, out = run(stage, cut([Chunk("chest/x", kind, T0, 32.0, 0, x)], forever(700)))
    bad_s = T0 + (len(before) + 64) / 32  # what lies two seconds in is of the bad part alone
    for y in out:
        if isinstance(y, Beat):
            assert not (y.good and y.t_s > bad_s)
        elif isinstance(y, Spectrum):
            assert np.isfinite(y.power)
        else:
            assert np.isfinite(y.value)
            assert not (y.kind.endswith("_quality") and y.t_s >= bad_s + 10 and y.value >= 0.5)


@pytest.mark.parametrize("kind", FAST)
@pytest.mark.parametrize("name", ["ecg", "ppg"])
def test_a_clipped_signal_is_trusted_less(name: str, kind: str) -> None:
    if STAGES[name].reads != (kind,):
        return
    x = waveform(kind, 100.0, 60)
    clipped = np.clip(x, None, np.quantile(x, 0.6))

    def mean_quality(values: np.ndarray) -> float:
        _, out = run(STAGES[name], [Chunk("chest/x", kind, T0, 100.0, 0, values)])
        return float(np.mean([v.value for v in out if v.kind.endswith("_quality")]))

    assert 0 <= mean_quality(clipped) < mean_quality(x) <= 1


@pytest.mark.parametrize("name", detectors())
def test_findings_are_told_as_agreed(name: str) -> None:
    """Kind, severity, evidence; what lasts ends under the key that it began with."""
    for kind in STAGES[name].reads:
        open_keys: set[tuple[str, str, float]] = set()
        for f in run(STAGES[name], given_to(STAGES[name], kind))[1]:
            assert f.kind == name
            assert f.severity in ("info", "amber", "red")
            assert f.t0_s <= f.t1_s
            assert f.evidence
            assert all(np.isfinite(v) and k == k.lower() for k, v in f.evidence)
            if f.ongoing:
                open_keys.add(f.key)
            elif f.key in open_keys:
                open_keys.remove(f.key)
        assert len(open_keys) <= 1  # at most the one that still lasts


# ---- purity ----------------------------------------------------------------------------------

PACKAGE = Path(healthslm.__file__).parent
PURE = sorted([*PACKAGE.glob("signals/*.py"), *PACKAGE.glob("detect/*.py")])
WORLD = {"time", "datetime", "random", "secrets", "uuid", "os", "sys", "io", "pathlib", "socket"}
WORLD |= {"logging", "threading", "subprocess", "asyncio", "tempfile"}
MUTABLE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
MAKES_MUTABLE = {"list", "dict", "set", "bytearray", "defaultdict", "deque", "Counter"}
MAKES_MUTABLE |= {"array", "zeros", "ones", "empty", "full", "arange", "linspace"}

every_module = pytest.mark.parametrize("path", PURE, ids=lambda p: f"{p.parent.name}/{p.stem}")


@every_module
def test_no_stage_reaches_for_the_world(path: Path) -> None:
    """No clock, file, socket, randomness or log: what a stage knows came in by its input."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            assert not {a.name.split(".")[0] for a in node.names} & WORLD
        if isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] not in WORLD
        if isinstance(node, ast.Name):
            assert node.id not in {"open", "input", "print", "eval", "exec", "__import__"}
        if isinstance(node, ast.Attribute):
            assert node.attr not in {"random", "default_rng"}
        assert not isinstance(node, ast.Global | ast.Nonlocal)


@every_module
def test_no_module_holds_anything_that_can_change(path: Path) -> None:
    """State hidden in a module would survive, or not survive, a restart."""
    for node in ast.parse(path.read_text()).body:
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        targets = node.targets if isinstance(node, ast.Assign) else []
        if any(isinstance(t, ast.Name) and t.id == "__all__" for t in targets):
            continue
        assert not isinstance(value, MUTABLE)
        if isinstance(value, ast.Call):
            called = value.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            assert name not in MAKES_MUTABLE
