"""Events are shown once, the gravest first, in the person's own time."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.records import Beat, Finding, Gap, Vital
from healthslm.review import timeline

T0 = 1_772_323_200.0  # 2026-03-01 00:00 UTC


def finding(kind="tachycardia", stream="chest/ecg", t0=0.0, t1=60.0, severity="amber", **more):
    return Finding(kind, stream, T0 + t0, T0 + t1, severity, (("highest_bpm", 141.0),), **more)


def test_what_is_told_again_replaces_what_was_told_before():
    early = finding(t1=30.0, ongoing=True)
    late = finding(t1=90.0)
    assert timeline.final([early, Vital("spo2", "band/spo2", T0, 97.0), late]) == (late,)


def test_the_same_event_of_two_streams_is_shown_once_with_both_sources():
    ecg, ppg = finding(t0=10, t1=60), finding(stream="band/ppg", t0=0, t1=40, severity="red")
    (event,) = timeline.events([ecg, ppg])
    assert event.sources == ("band/ppg", "chest/ecg")  # the gravest first
    assert (event.severity, event.t0_s - T0, event.t1_s - T0) == ("red", 0, 60)


def test_streams_that_touch_without_overlap_saw_two_events():
    """An event that ends in the instant in which another begins is not that other event."""
    assert len(timeline.events([finding(t1=60), finding(stream="band/ppg", t0=60, t1=90)])) == 2
    assert len(timeline.events([finding(t1=60), finding(stream="band/ppg", t0=59, t1=90)])) == 1


def test_one_stream_never_merges_with_itself_unless_another_spans_both():
    first, second = finding(t0=0, t1=10), finding(t0=20, t1=30)
    assert len(timeline.events([first, second])) == 2
    assert len(timeline.events([first, second, finding(stream="band/ppg", t0=5, t1=25)])) == 1


def test_instants_at_the_same_time_on_two_streams_are_one_event():
    pauses = [finding("pause", s, 5, 5) for s in ("chest/ecg", "chest/ecg-v5")]
    assert len(timeline.events(pauses)) == 1


def test_a_device_that_falls_silent_is_one_event_and_two_devices_are_two():
    streams = ("band/ppg", "band/spo2", "chest/ecg")
    lost = [finding("no_data", s, n, 600, "info") for n, s in enumerate(streams)]
    assert [e.sources for e in timeline.events(lost)] == [streams[:2], streams[2:]]


def test_kinds_do_not_merge():
    assert len(timeline.events([finding(), finding("irregular_rhythm")])) == 2


def test_what_still_goes_on_takes_in_what_another_stream_sees_later():
    open_end = finding(t0=0, t1=60, ongoing=True)
    (event,) = timeline.events([open_end, finding(stream="band/ppg", t0=300, t1=400)])
    assert event.ongoing
    later = finding(t0=200, t1=210)  # so the first did end, though nobody told when
    assert len(timeline.events([open_end, later, finding(stream="band/ppg", t0=300, t1=400)])) == 3


def test_red_comes_before_amber_before_info_and_then_time_decides():
    found = [
        finding("fever", t0=0, severity="info"),
        finding("pause", t0=50, severity="red"),
        finding("bradycardia", t0=40, severity="amber"),
        finding("desaturation", t0=20, severity="amber"),
    ]
    kinds = [e.kind for e in timeline.events(found)]
    assert kinds == ["pause", "desaturation", "bradycardia", "fever"]


spans = st.tuples(
    st.sampled_from(["chest/ecg", "band/ppg"]), st.integers(0, 50), st.integers(0, 20)
)


@given(st.lists(spans, max_size=12), st.randoms())
def test_no_finding_is_lost_and_the_order_of_telling_does_not_matter(spans, random):
    found = [finding(stream=s, t0=a, t1=a + n) for s, a, n in spans]
    events = timeline.events(found)
    assert {f.key for e in events for f in e.findings} == {f.key for f in found}
    assert sum(len(e.findings) for e in events) == len({f.key for f in found})
    distinct = list({f.key: f for f in found}.values())
    expected = timeline.events(distinct)
    random.shuffle(distinct)
    assert timeline.events(distinct) == expected


def test_an_id_stays_while_other_events_come_and_the_event_goes_on():
    one = timeline.events([finding(t1=30, ongoing=True)])[0]
    among = timeline.events([finding(t1=90), finding("fever"), finding(t0=500, t1=600)])
    assert one.id in {e.id for e in among}
    assert len(one.id) == 4 and one.id[0].isalpha()


def test_vitals_are_told_before_during_and_after():
    readings = [(-601, 1), (-600, 60), (-1, 64), (0, 100), (60, 120), (61, 80), (660, 70), (661, 9)]
    derived = [Vital("heart_rate", "chest/ecg", T0 + t, float(v)) for t, v in readings]
    derived += [Beat("beat", "chest/ecg", T0, 0.8, True), Gap("chest/ecg", T0, T0 + 1, 250)]
    (event,) = timeline.events([finding()])
    before, during, after = timeline.around(derived, event)["heart_rate", "chest/ecg"]
    assert (before.count, before.low, before.middle, before.high) == (2, 60, 62, 64)
    assert (during.low, during.high) == (100, 120)
    assert (after.low, after.high) == (70, 80)


def test_what_was_not_read_is_none_and_never_nought():
    (event,) = timeline.events([finding()])
    levels = timeline.around([Vital("spo2", "band/spo2", T0 + 5, 93.0)], event)
    assert levels["spo2", "band/spo2"][0] is None


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("Europe/Madrid", "2026-03-29 03:00:00 CEST"),  # the hour that summer time skips
        ("UTC", "2026-03-29 01:00:00 UTC"),
        ("Asia/Kolkata", "2026-03-29 06:30:00 IST"),
    ],
)
def test_times_are_the_persons_and_say_their_zone(zone, text):
    assert timeline.when(1_774_746_000.0, zone) == text
    assert timeline.when(1_774_746_000.0, zone, day=False) == text[11:19]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (9.94, "9.9 s"),
        (9.95, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (3569, "59 min"),
        (3600, "1 h 00 min"),
        (86_399, "24 h 00 min"),
    ],
)
def test_lengths_of_time_have_two_units_at_most(seconds, text):
    assert timeline.lasting(seconds) == text


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("lowest_bpm", 41.4, ("lowest", "41 /min")),
        ("rr_s", 2.345, ("RR", "2.35 s")),
        ("held_s", 615.0, ("held", "10 min")),
        ("highest_c", 38.55, ("highest", "38.5 °C")),
        ("lowest_pct", 88.0, ("lowest", "88 %")),
        ("beats", 17.0, ("beats", "17")),
        ("normalised_rmssd", 0.1234, ("normalised RMSSD", "0.12")),
    ],
)
def test_evidence_is_shown_with_its_unit(name, value, shown):
    assert timeline.quantity(name, value) == shown


def test_the_json_form_holds_every_stream_and_an_offset():
    data = timeline.as_json(
        timeline.events([finding(), finding(stream="band/ppg")])[0], "Asia/Tokyo"
    )
    assert data["start"] == "2026-03-01T09:00:00.000+09:00"
    assert data["seconds"] == 60.0 and data["sources"] == ["band/ppg", "chest/ecg"]
    assert data["findings"][0]["evidence"] == {"highest_bpm": 141.0}


def test_a_severity_that_nobody_knows_is_our_own_mistake():
    with pytest.raises(ValueError, match="tuple"):
        timeline.events([replace(finding(), severity="purple")])
