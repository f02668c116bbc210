"""A pulse followed through motion."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.io import loadmat

from healthslm.pipeline import Pipeline
from healthslm.records import Chunk, Spectrum, Vital
from healthslm.signals import cadence, pulse_rate, pulse_spectrum
from healthslm.signals.pulse_rate import SIGNAL

T0 = 1_700_000_000.0
FS = 50.0  # Hz, of the PPG
AXIS_FS = 32.0  # Hz, of each axis
STEADY = replace(SIGNAL, trust=-1.0)  # tells whatever it believes


def turns(per_min: np.ndarray | float, seconds: float, fs: float) -> np.ndarray:
    """Return the phase of something that turns so often a minute, at each sample."""
    rate = np.broadcast_to(per_min, round(seconds * fs)) / 60
    return 2 * np.pi * np.cumsum(rate) / fs


def run(seconds, pulse, steps, *, shaking=2.0, noise=0.2, swing_g=0.4, seed=1):
    """Return PPG and acceleration: a pulse, and steps that shake it, with overtones."""
    rng = np.random.default_rng(seed)
    ramps = [(np.linspace(*x, round(seconds * fs)) if isinstance(x, tuple) else x)
             for x, fs in ((pulse, FS), (steps, FS), (steps, AXIS_FS))]  # fmt: skip
    heart, foot = turns(ramps[0], seconds, FS), turns(ramps[1], seconds, FS)
    ppg = np.sin(heart) + 0.3 * np.sin(2 * heart) + noise * rng.standard_normal(len(heart))
    ppg += shaking * (np.sin(foot + 0.7) + 0.4 * np.sin(2 * foot))
    arm = turns(ramps[2], seconds, AXIS_FS)
    along = swing_g * (np.sin(arm) + 0.5 * np.sin(2 * arm))
    xyz = np.stack((along, 0.3 * along, 1 + 0.5 * along))
    return ppg, xyz + 0.003 * rng.standard_normal(xyz.shape)


def spectra(ppg, xyz, device="wrist") -> list[Spectrum]:
    chunks = (
        (pulse_spectrum.SIGNAL, Chunk("wrist/ppg", "ppg", T0, FS, 0, np.asarray(ppg))),
        (
            cadence.SIGNAL,
            Chunk(f"{device}/acceleration", "acceleration", T0, 3 * AXIS_FS, 0, xyz.T.ravel()),
        ),
    )
    told = [x for stage, chunk in chunks for x in stage.step(stage.start(), chunk)[1]]
    return sorted(told, key=lambda x: (x.t_s, x.kind))


def rates(items, stage=SIGNAL) -> dict[float, float]:
    """Return the rates by the seconds since the start."""
    state, out = stage.start(), {}
    for x in items:
        state, told = stage.step(state, x)
        for v in told:
            assert (v.kind, v.stream) == ("pulse_rate", "wrist/ppg")
            out[v.t_s - T0] = v.value
    return out


@pytest.mark.parametrize("pulse", [55, 90, 130, 180, 205])
@pytest.mark.parametrize("steps", [75, 110, 165])
def test_a_steady_pulse_is_found_beside_steps_twice_as_strong(pulse: int, steps: int) -> None:
    told = rates(spectra(*run(120, pulse, steps)))
    assert list(told.values()) == pytest.approx([pulse] * len(told), abs=3)
    if abs(steps - pulse) > 15 and abs(2 * steps - pulse) > 15:
        assert len(told) >= 8
        assert min(told) <= 40


@pytest.mark.parametrize("ramp", [(80, 160), (165, 120)])
def test_a_pulse_is_followed_across_the_cadence(ramp: tuple[int, int]) -> None:
    items = spectra(*run(240, ramp, 130))
    for stage, within, n in ((STEADY, 10, 117), (SIGNAL, 7, 85)):
        told = rates(items, replace(stage, every_s=2.0))
        assert len(told) >= n
        for t_s, rate in told.items():
            true = np.interp(t_s - 4, (0, 240), ramp)  # of the middle of the window
            assert rate == pytest.approx(true, abs=within)


def test_what_runs_with_the_steps_is_not_told() -> None:
    told = rates(spectra(*run(240, 130, 130)))
    assert told == {}


@pytest.mark.parametrize("noise", ["white", "brown", "band", "shaken", "swing"])
def test_noise_and_motion_alone_are_next_to_never_a_rate(noise: str) -> None:
    count = 0
    for seed in range(4):
        rng = np.random.default_rng(seed)
        ppg, xyz = run(300, 100, 90 + 12 * seed, seed=seed)
        w = rng.standard_normal(len(ppg))
        t = np.arange(len(ppg)) / FS
        swing = np.interp(t, np.arange(xyz.shape[1]) / AXIS_FS, xyz[0])
        ppg = {
            "white": w,
            "brown": np.cumsum(w),
            "band": np.convolve(w, np.hanning(25), "same"),
            "shaken": swing + 0.3 * w,
            "swing": swing,
        }[noise]
        count += len(rates(spectra(ppg, xyz)))
    assert count <= 3  # of 120


def test_nothing_is_told_without_an_accelerometer_on_the_same_device() -> None:
    ppg, xyz = run(120, 130, 100)
    assert rates(spectra(ppg, xyz, "chest")) == {}
    assert rates(x for x in spectra(ppg, xyz) if x.kind == "pulse_spectrum") == {}
    assert len(rates(spectra(ppg, xyz))) > 8


def test_another_device_does_not_get_in_the_way() -> None:
    ppg, xyz = run(120, 130, 100)
    others = [
        replace(x, stream=f"{d}/acceleration")
        for d in ("ankle", "zip")
        for x in spectra(ppg, xyz)
        if x.kind == "motion_spectrum"
    ]
    both = sorted(spectra(ppg, xyz) + others, key=lambda x: (x.t_s, x.kind, x.stream))
    assert rates(both) == rates(spectra(ppg, xyz))


@pytest.mark.parametrize(("rms_g", "told"), [(0.049, False), (0.05, True)])
def test_a_rate_is_told_only_while_the_body_moves(rms_g: float, told: bool) -> None:
    items = [
        replace(x, power=rms_g**2) if x.kind == "motion_spectrum" else x
        for x in spectra(*run(120, 130, 100))
    ]
    assert bool(rates(items)) is told


@pytest.mark.parametrize(("still", "told"), [((2, 6), True), ((2, 6, 8), False)])
def test_more_than_half_of_a_block_has_to_be_known(still: tuple[int, ...], told: bool) -> None:
    """Of the five estimates of the block that ends at 80 s."""
    items = [
        replace(x, power=0.0) if x.kind == "motion_spectrum" and x.t_s - T0 - 70 in still else x
        for x in spectra(*run(100, 130, 100))
    ]
    times = rates(items)
    assert (80 in times) is told
    assert {70, 90} <= set(times)


def test_half_of_a_block_is_not_enough() -> None:
    """The four estimates of 8 s, two of which are at rest."""
    items = spectra(*run(100, 130, 100))
    end = next(x.t_s for x in items if x.t_s > T0 + 60 and x.t_s % 8 == 0)
    items = [
        replace(x, power=0.0) if x.kind == "motion_spectrum" and end - 4 < x.t_s <= end else x
        for x in items
    ]
    times = rates(items, replace(SIGNAL, every_s=8.0))
    assert end - T0 not in times
    assert {end - T0 - 8, end - T0 + 8} <= set(times)


def test_a_lock_that_was_wrong_is_given_up() -> None:
    """No heart jumps from 80 to 150, but a line that was followed by mistake may end."""
    first, second = run(90, 80, 110, shaking=1.0), run(90, 150, 110, shaking=1.0)
    items = spectra(*(np.concatenate(x, axis=-1) for x in zip(first, second, strict=True)))
    told = rates(items, replace(STEADY, every_s=2.0))
    assert all(abs(v - 150) < 5 for t, v in told.items() if t > 90 + 20)


@pytest.mark.parametrize(("rms_g", "told"), [(0.012, True), (0.3, False)])
def test_motion_that_is_next_to_none_hides_no_pulse(rms_g: float, told: bool) -> None:
    """The body moves in time with the pulse: a tremble of the heart's own, or steps."""
    items = [
        replace(x, power=rms_g**2) if x.kind == "motion_spectrum" else x
        for x in spectra(*run(120, 110, 110, shaking=0.0))
    ]
    assert bool(rates(items, replace(SIGNAL, moving_g=0.0))) is told


def test_an_estimate_is_told_when_trust_meets_its_limit_exactly() -> None:
    items = spectra(*run(40, 130, 100))
    state = SIGNAL.start()
    for x in items:
        state, _ = SIGNAL.step(state, x)
    for limit, last in ((state.trust, True), (np.nextafter(state.trust, np.inf), False)):
        told = rates(items, replace(SIGNAL, trust=limit, every_s=2.0))
        assert (40 in told) is last


def test_a_rate_has_to_be_foretold_before_it_is_told() -> None:
    """The first spectrum is at 8 s; nothing was foretold for one before 16 s."""
    told = rates(spectra(*run(60, 130, 100)), replace(SIGNAL, every_s=2.0, trust=0.01))
    assert min(told) == 16


@pytest.mark.parametrize("lost", ["pulse_spectrum", "motion_spectrum"])
def test_a_gap_in_either_stream_ends_the_evidence(lost: str) -> None:
    items = [x for x in spectra(*run(120, 130, 100)) if not (x.kind == lost and x.t_s == T0 + 60)]
    told = rates(items, replace(SIGNAL, every_s=2.0, trust=0.01))
    assert 58 in told
    assert not {t for t in told if 58 < t < 70}
    assert 70 in told


def test_what_was_believed_before_a_gap_is_forgotten() -> None:
    first, second = spectra(*run(60, 170, 100)), spectra(*run(60, 80, 100))
    later = [replace(x, t_s=x.t_s + 100) for x in second]
    told = rates(first + later, replace(STEADY, every_s=2.0))
    alone = rates(second, replace(STEADY, every_s=2.0))
    assert {t - 100: v for t, v in told.items() if t > 100} == alone


def test_the_value_is_the_mean_of_the_block() -> None:
    items = spectra(*run(120, (100, 150), 75))
    fine = rates(items, replace(STEADY, every_s=2.0))
    for t_s, value in rates(items, STEADY).items():
        block = [fine[t] for t in np.arange(t_s - 8, t_s + 1, 2.0) if t in fine]
        assert value == pytest.approx(np.mean(block))


def test_motion_is_divided_out_by_its_weight() -> None:
    """Without it the stronger steps are taken for the pulse."""
    items = spectra(*run(120, 130, 100, shaking=3.0))
    blind = rates(items, replace(STEADY, motion_weight=0.0))
    assert np.median(list(blind.values())) == pytest.approx(100, abs=3)
    assert np.median(list(rates(items).values())) == pytest.approx(130, abs=3)


def test_the_pipeline_carries_spectra_and_keeps_none() -> None:
    """Cut in seconds, the streams in turn, restarted in the middle: the same rates as alone."""
    ppg, xyz = run(120, 130, 100)
    numbers, out = xyz.T.ravel(), []
    pipeline = Pipeline(
        {"cadence": cadence.SIGNAL, "pulse_spectrum": pulse_spectrum.SIGNAL, "pulse_rate": SIGNAL},
        {},
    )
    for i in range(120):
        for kind, fs, x in (("ppg", FS, ppg), ("acceleration", 3 * AXIS_FS, numbers)):
            n = int(fs)
            chunk = Chunk(f"wrist/{kind}", kind, T0, fs, i * n, x[i * n : (i + 1) * n])
            out += pipeline.feed(chunk)
        if i % 17 == 0:
            before = pipeline.snapshot()
            pipeline = Pipeline(
                {
                    "pulse_rate": pulse_rate.SIGNAL,
                    "pulse_spectrum": pulse_spectrum.SIGNAL,
                    "cadence": cadence.SIGNAL,
                },
                {},
            )
            pipeline.restore(before)
            assert pipeline.snapshot() == before
    assert out
    assert all(isinstance(x, Vital) for x in out)
    alone = rates(spectra(ppg, xyz))
    told = {x.t_s - T0: x.value for x in out}
    assert told == {t: v for t, v in alone.items() if t in told}
    assert len(told) >= len(alone) - 1


def test_runners_are_followed(data_dir) -> None:
    """TROIKA, doi:10.1109/TBME.2014.2359372: the mean of two wrist PPGs, ECG as the truth."""
    means, told = [], 0
    stage = replace(SIGNAL, every_s=2.0, moving_g=0.0)
    for path in sorted((data_dir / "troika" / "dev").glob("DATA_*.mat")):
        signals = loadmat(path)["sig"].astype(float)
        true = loadmat(path.with_name(path.name.replace("DATA", "REF")))["BPM0"].ravel()
        streams = (
            (pulse_spectrum.SIGNAL, "ppg", 125.0, (signals[1] + signals[2]) / 2),
            (cadence.SIGNAL, "acceleration", 375.0, signals[3:].T.ravel()),
        )
        items = [
            x
            for s, kind, fs, values in streams
            for x in s.step(s.start(), Chunk(f"wrist/{kind}", kind, T0, fs, 0, values))[1]
        ]
        found = rates(sorted(items, key=lambda x: (x.t_s, x.kind)), stage)
        at = {round((t - 8) / 2): v for t, v in found.items()}
        errors = [abs(v - true[i]) for i, v in at.items() if i < len(true)]
        means.append(np.mean(errors))
        told += len(errors) / len(true) / 7
    assert np.mean(means) <= 2.3
    assert max(means) <= 4
    assert told > 0.7
