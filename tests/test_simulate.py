"""The simulator: what it labels is in the samples, and the samples look like physiology."""

import time
from pathlib import Path

import numpy as np
import pytest

from healthslm import simulate
from healthslm.errors import RecordingError
from healthslm.recordings import checked, folder, load
from healthslm.records import MISSING
from healthslm.simulate import plan as plans
from healthslm.simulate.body import Person, pink
from healthslm.simulate.rhythm import beat

START_S = 1_772_409_600.0
SAMPLES = Path(__file__).parents[1] / "sample_data"
FOUND = {
    "bradycardia",
    "desaturation",
    "fever",
    "irregular_rhythm",
    "no_data",
    "pause",
    "poor_signal",
    "tachycardia",
}


@pytest.fixture(scope="module")
def days():
    return {seed: simulate.day(seed, start_s=START_S) for seed in (*range(8), simulate.DEMO_SEED)}


@pytest.fixture(scope="module")
def scenes():
    return {name: simulate.scene(name) for name in simulate.SCENES}


def events(recording, kind):
    return [e for e in recording.events if e.kind == kind]


def series(recording, lane):
    """Return times and values of every sample of a lane."""
    tracks = [t for t in recording.tracks if t.lane == lane]
    times = [t.t0_s + np.arange(len(t.samples)) / t.fs for t in tracks]
    return np.concatenate(times), np.concatenate([t.values for t in tracks])


def inside(times, spans, margin_s=0.0):
    """Tell which times lie in one of the events, widened by a margin."""
    return np.any([(times >= e.t0_s - margin_s) & (times < e.t1_s + margin_s) for e in spans], 0)


def beats(recording):
    """Return times and symbols of the reference beats."""
    marks = recording.beats["chest/ecg"]
    return recording.t0_s + marks.samples / 250, np.array(marks.symbols)


def same(a, b):
    assert a.events == b.events
    for x, y in zip(a.tracks, b.tracks, strict=True):
        assert (x.lane, x.boot, x.start, x.epoch_s) == (y.lane, y.boot, y.start, y.epoch_s)
        assert np.array_equal(x.samples, y.samples)


def test_a_seed_makes_the_same_day_again_and_another_seed_another(days):
    same(simulate.day(3, start_s=START_S), days[3])
    assert not np.array_equal(days[3].tracks[0].samples, days[4].tracks[0].samples)


def test_the_start_moves_a_day_and_changes_nothing_else(days):
    same(simulate.day(2, start_s=START_S + 86_400).moved(START_S), days[2])


def test_a_day_is_made_in_less_than_three_seconds_of_cpu():
    before = time.process_time()
    simulate.day(simulate.DEMO_SEED, start_s=START_S)
    assert time.process_time() - before < 3


def test_every_day_could_have_been_sent_by_sensors_without_a_missing_or_clipped_sample(days):
    for recording in days.values():
        checked(recording)
        for track in recording.tracks:
            assert track.samples.min() > MISSING + 1
            assert track.samples.max() < 32767


def test_slow_streams_last_all_day_and_waveforms_half_an_hour(days):
    for recording in days.values():
        for lane in ("heart_rate", "spo2", "activity", "respiratory_rate", "temperature"):
            times, _ = series(recording, f"band/{lane}")
            assert times[0] == START_S
            assert times[-1] > START_S + 86_400 - 120
        times, _ = series(recording, "chest/ecg")
        assert 15 <= len(times) / 250 / 60 <= 48


def test_labels_are_known_lie_within_the_day_and_come_in_order(days):
    for recording in days.values():
        starts = [e.t0_s for e in recording.events]
        assert starts == sorted(starts)
        for e in recording.events:
            assert e.kind in FOUND | {"walk", "lost"}
            assert START_S <= e.t0_s < e.t1_s <= START_S + 86_400


def test_only_what_a_detector_may_find_is_expected(days):
    for recording in days.values():
        wanted = [(e.kind, e.t0_s, e.t1_s) for e in recording.events if e.kind in FOUND]
        assert [(x.kind, x.t0_s, x.t1_s) for x in simulate.expected(recording)] == wanted


def test_the_demo_day_shows_what_it_promises(days):
    kinds = {e.kind for e in days[simulate.DEMO_SEED].events}
    assert {"irregular_rhythm", "desaturation", "fever", "poor_signal", "no_data", "lost"} <= kinds


def test_days_differ_from_nothing_to_everything():
    kinds = [{h.kind for h in plans.day(seed, 24, 0).happenings} & FOUND for seed in range(200)]
    assert set() in kinds
    assert FOUND in kinds
    assert all(sum(kind in k for k in kinds) > 50 for kind in FOUND)


def test_what_does_not_fit_into_a_short_day_is_left_out():
    recording = simulate.day(simulate.DEMO_SEED, start_s=START_S, hours=12, clock_h=6)
    assert recording.t1_s == START_S + 12 * 3600
    assert events(recording, "desaturation") == []  # they come at night
    assert len(events(recording, "irregular_rhythm")) == 1
    (rhythm,) = events(recording, "irregular_rhythm")
    assert 13.6 <= 6 + (rhythm.t0_s - START_S) / 3600 <= 14.2


def test_saturation_falls_to_the_level_of_each_dip_and_nowhere_else(days, scenes):
    for recording in (*days.values(), scenes["desaturation-night"]):
        times, spo2 = series(recording, "band/spo2")
        dips = events(recording, "desaturation")
        for e in dips:
            assert spo2[inside(times, [e])].min() == pytest.approx(e.level, abs=1)
            assert np.count_nonzero(spo2[inside(times, [e])] <= 92) >= 13  # over two minutes
        clean = spo2[~inside(times, dips, 10)] if dips else spo2
        assert clean.min() > 95
        assert clean.max() <= 100.8


def test_temperature_is_a_fever_where_labelled_and_nowhere_else(days, scenes):
    for recording in (*days.values(), scenes["fever"]):
        times, temperature = series(recording, "band/temperature")
        fevers = events(recording, "fever")
        if fevers:
            assert temperature[inside(times, fevers, -120)].min() >= 37.95
            assert temperature.max() == pytest.approx(fevers[0].level, abs=0.15)
            temperature = temperature[~inside(times, fevers, 120)]
        assert 36 < temperature.min() <= temperature.max() < 38.0


def test_heart_rate_is_where_each_label_says_and_below_120_elsewhere(days, scenes):
    for recording in (*days.values(), scenes["rates-and-pause"]):
        times, rate = series(recording, "band/heart_rate")
        fast, slow = events(recording, "tachycardia"), events(recording, "bradycardia")
        for e in (*fast, *slow):
            assert rate[inside(times, [e])].mean() == pytest.approx(e.level, abs=3)
        elsewhere = rate[~inside(times, [*fast, *slow], 60)] if fast or slow else rate
        assert 48 < elsewhere.min() < elsewhere.max() < 120


def test_a_walk_moves_the_band_and_raises_the_heart_rate(days):
    for recording in days.values():
        times, activity = series(recording, "band/activity")
        off = events(recording, "no_data")
        walks = [e for e in events(recording, "walk") if not off or not inside(e.t1_s, off, 1500)]
        assert walks
        assert activity[inside(times, walks, -40)].min() > 0.15
        times, rate = series(recording, "band/heart_rate")
        for e in walks:
            before = rate[(times >= e.t0_s - 600) & (times < e.t0_s)]
            assert rate[inside(times, [e], -180)].mean() > before.mean() + 12


def test_the_person_lies_still_at_night_and_the_heart_slows(days):
    for recording in days.values():
        hours = {}
        for lane in ("activity", "heart_rate"):
            times, values = series(recording, f"band/{lane}")
            hour = (times - START_S) / 3600
            hours[lane] = values[hour < 6], values[(hour > 8) & (hour < 22)]
        night, by_day = hours["activity"]
        assert night.mean() < 0.01 < 0.02 < np.median(by_day)
        night, by_day = hours["heart_rate"]
        assert night.mean() < by_day.mean() - 4


def test_the_band_is_silent_while_off_and_starts_anew(days, scenes):
    for recording in (*days.values(), scenes["artefact-and-gap"]):
        for off in events(recording, "no_data"):
            assert off.t1_s - off.t0_s > 7200
            for track in recording.tracks:
                if track.device == "band":
                    before = track.t1_s <= off.t0_s + 1
                    assert before or track.t0_s >= off.t1_s - 1
                    assert track.boot == (1 if before else 2)


def test_lost_samples_leave_a_hole_in_the_ecg(scenes):
    recording = scenes["artefact-and-gap"]
    (lost,) = events(recording, "lost")
    ecg = [t for t in recording.tracks if t.lane == "chest/ecg"]
    assert [t.continuous for t in ecg] == [True, False, True]
    assert (ecg[0].t1_s, ecg[1].t0_s) == (lost.t0_s, lost.t1_s)
    times, _ = beats(recording)
    assert not inside(times, [lost]).any()


def test_every_labelled_beat_is_a_peak_of_the_ecg(days):
    """Within 20 ms of a label lies the largest deflection of the 200 ms around it."""
    recording = days[simulate.DEMO_SEED]
    times, symbols = beats(recording)
    good = ~inside(times, events(recording, "poor_signal"), 2)
    marks = recording.beats["chest/ecg"].samples[good]
    found = 0
    for track in (t for t in recording.tracks if t.lane == "chest/ecg"):
        ecg = track.values
        for at in marks - track.start:
            if 60 <= at < len(ecg) - 60:
                around = ecg[at - 25 : at + 26] - np.median(ecg[at - 60 : at + 61])
                assert abs(int(np.argmax(around)) - 25) <= 5
                found += 1
    assert found > 0.98 * len(marks)
    assert 0 < np.count_nonzero(symbols == "V") < 0.03 * len(symbols)


def test_as_many_beats_as_the_rate_asks_for(scenes):
    recording = scenes["rhythm-change"]
    times, _ = beats(recording)
    rate_times, rate = series(recording, "band/heart_rate")
    span = rate[(rate_times > times[0]) & (rate_times < times[-1])]
    asked = span.mean() / 60 * (times[-1] - times[0])
    assert len(times) == pytest.approx(asked, rel=0.05)


def rr(recording, kind=None):
    """Return RR within the events of a kind, or outside all of them."""
    times, symbols = beats(recording)
    spans = events(recording, kind or "irregular_rhythm")
    where = inside(times, spans, 0 if kind else 2)
    use = where if kind else ~where
    steps = np.diff(times)
    normal = (symbols[1:] == "N") & (symbols[:-1] == "N")
    return steps[use[1:] & use[:-1] & normal & (steps < 1.8)]


def test_an_irregular_rhythm_has_intervals_without_memory_and_no_p_wave(scenes):
    recording = scenes["rhythm-change"]
    sinus, wild = rr(recording), rr(recording, "irregular_rhythm")
    assert 0.15 < wild.std() / wild.mean() < 0.30
    assert sinus.std() / sinus.mean() < 0.08
    a, b = wild[:-1] - wild.mean(), wild[1:] - wild.mean()
    assert abs((a * b).mean()) < 0.12 * wild.var()
    assert 0.3 < wild.min() < wild.max() < 1.5
    assert p_wave(recording, within=False) > 0.06  # mV
    assert abs(p_wave(recording, within=True)) < 0.02


def p_wave(recording, within):
    """Return the mean height of the ECG where a P wave belongs, over the mean before it."""
    (track,) = (t for t in recording.tracks if t.lane == "chest/ecg")
    times, symbols = beats(recording)
    use = inside(times, events(recording, "irregular_rhythm"), 0 if within else 3)
    use = (use if within else ~use) & (symbols == "N")
    use[1:] &= np.diff(times) > 0.65  # the T wave before has ended
    use[:2] = use[-2:] = False
    at = np.rint((times[use] - track.t0_s) * 250).astype(int)
    ecg = track.values
    pieces = np.array([ecg[i - 70 : i] for i in at])
    mean = pieces.mean(axis=0)
    return mean[70 - 45 : 70 - 30].max() - mean[:12].mean()


def sinus_rr(seed, minutes=20):
    """Return beat times of a still person: 60/min, 15 breaths a minute."""
    seconds = minutes * 60 + 1
    person = Person.of(seed)
    rate, breaths = np.full(seconds, 60.0), np.full(seconds, 15.0)
    rng = np.random.default_rng(seed)
    made = beat(rng, person, rate, breaths, (), ())
    return made, person


def test_sinus_rhythm_has_the_two_waves_of_the_textbook():
    """Task Force 1996, doi:10.1161/01.CIR.93.5.1043: LF 0.04 to 0.15 Hz, HF at the breath."""
    made, person = sinus_rr(5)
    keep = ~made.ectopic & ~np.roll(made.ectopic, 1)
    times, intervals = made.times_s[keep], made.rr_s[keep]
    even = np.arange(times[0], times[-1], 0.25)
    tachogram = np.interp(even, times, intervals)
    power = np.abs(np.fft.rfft((tachogram - tachogram.mean()) * np.hanning(len(even)))) ** 2
    hz = np.fft.rfftfreq(len(even), 0.25)

    def peak(low, high):
        band = (hz >= low) & (hz < high)
        return hz[band][np.argmax(power[band])], power[band].sum()

    breath_hz, breath = peak(0.15, 0.40)
    wave_hz, wave = peak(0.06, 0.15)
    between = power[(hz > 0.15) & (hz < 0.2)].sum()
    assert breath_hz == pytest.approx(0.25, abs=0.01)
    assert wave_hz == pytest.approx(0.095, abs=0.02)
    assert breath > 10 * between
    assert wave > 10 * between
    assert intervals.mean() == pytest.approx(1.0, rel=0.01)
    assert 0.01 < person.rsa / np.sqrt(2) < intervals.std() < 0.08


def test_the_wandering_is_one_over_f():
    noise = pink(np.random.default_rng(1), 2**16)
    power, hz = np.abs(np.fft.rfft(noise)) ** 2, np.fft.rfftfreq(len(noise))
    bands = [(a, 2 * a) for a in (0.002, 0.008, 0.032, 0.128)]
    totals = [power[(hz >= low) & (hz < high)].sum() for low, high in bands]
    assert max(totals) / min(totals) < 1.4  # every octave holds the same
    assert noise.std() == pytest.approx(1)


def test_a_pause_is_as_long_as_labelled_and_flat(days, scenes):
    for recording in (*days.values(), scenes["rates-and-pause"]):
        for e in events(recording, "pause"):
            assert e.t1_s - e.t0_s == pytest.approx(e.level)
            assert e.level > 3
            times, _ = beats(recording)
            assert not inside(times, [e], -0.1).any()
            ecg_times, ecg = series(recording, "chest/ecg")
            quiet = ecg[(ecg_times > e.t0_s + 0.6) & (ecg_times < e.t1_s - 0.4)]
            assert np.ptp(quiet) < 0.5


def test_noise_drowns_the_ecg_where_the_signal_is_labelled_poor(days):
    for recording in days.values():
        for e in events(recording, "poor_signal"):
            times, ecg = series(recording, "chest/ecg")
            around = (times > e.t0_s - 80) & (times < e.t0_s - 2)
            assert ecg[inside(times, [e], -2)].std() > 3 * ecg[around].std()


def test_a_pulse_follows_every_beat_after_the_transit_time(scenes):
    recording = scenes["quiet-hour"]
    person = Person.of(simulate.SCENES["quiet-hour"].seed)
    times, symbols = beats(recording)
    tracks = [t for t in recording.tracks if t.lane == "band/ppg"]
    late = []
    for track in tracks:
        ppg = track.values
        for t_s in times[symbols == "N"]:
            at = int((t_s + person.transit_s - track.t0_s) * 64)
            if 20 <= at < len(ppg) - 30:
                late.append((np.argmax(ppg[at : at + 22])) / 64)
    assert len(late) > 500
    assert np.median(late) == pytest.approx(0.125, abs=0.03)
    assert np.std(late) < 0.03


def test_annotations_tell_where_the_rhythm_changes(scenes):
    notes = scenes["rhythm-change"].notes["chest/ecg"]
    turns = [
        (at, a)
        for at, s, a in zip(notes.samples, notes.symbols, notes.aux, strict=True)
        if s == "+"
    ]
    assert [a for _, a in turns] == ["(N", "(AFIB", "(N"]
    (e,) = events(scenes["rhythm-change"], "irregular_rhythm")
    assert turns[1][0] / 250 == pytest.approx(e.t0_s - scenes["rhythm-change"].t0_s, abs=0.01)


def test_an_unknown_scene_is_refused_with_those_there_are():
    with pytest.raises(RecordingError, match="quiet-hour"):
        simulate.scene("nightmare")


def test_a_scene_is_saved_with_its_labels_and_the_way_to_make_it_again(tmp_path, scenes):
    recording = scenes["fever"]
    simulate.save(recording, tmp_path / "x", command="healthslm simulate --scene fever")
    same(load(tmp_path / "x"), recording)
    assert folder.expected(tmp_path / "x") == simulate.expected(recording)
    source = (tmp_path / "x" / "SOURCE.md").read_text()
    assert "healthslm simulate --scene fever" in source
    assert "| fever |" in source
    assert "2026-03-02T16:00" in source


def test_sample_data_is_small_and_holds_every_scene():
    names = {p.name for p in SAMPLES.iterdir() if p.is_dir()}
    assert names == set(simulate.SCENES)
    octets = sum(p.stat().st_size for p in SAMPLES.rglob("*") if p.is_file())
    assert octets <= 4 * 1024 * 1024


@pytest.mark.parametrize("name", sorted(simulate.SCENES))
def test_sample_data_can_be_made_again_from_its_seed(name, scenes):
    """Times and labels to a sample; samples to two steps, for libm differs over machines."""
    made, kept = scenes[name], load(SAMPLES / name)
    for ours, theirs in zip(made.events, kept.events, strict=True):
        assert ours.kind == theirs.kind
        assert (ours.t0_s, ours.t1_s) == pytest.approx((theirs.t0_s, theirs.t1_s), abs=0.004)
    for x, y in zip(made.tracks, kept.tracks, strict=True):
        assert (x.lane, x.boot, x.start, x.epoch_s) == (y.lane, y.boot, y.start, y.epoch_s)
        assert np.abs(x.samples.astype(int) - y.samples).max() <= 2
    for lane, marks in made.beats.items():
        assert np.abs(marks.samples - kept.beats[lane].samples).max() <= 1
        assert marks.symbols == kept.beats[lane].symbols
    assert (SAMPLES / name / "SOURCE.md").read_text().startswith(f"# {name}\n")
    assert f"--scene {name} " in (SAMPLES / name / "SOURCE.md").read_text()
