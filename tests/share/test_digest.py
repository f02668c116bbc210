"""What a report tells of derived records, and what it never does."""

import math
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.records import Beat, Finding, Gap, Vital
from healthslm.share import digest, envelope, schema
from healthslm.share.terms import EVIDENCE, FINDING_OF, FINDINGS, MEASURE_OF, MEASURES

from .given import BEGIN, DAY, T0, day


def told(records, period=DAY, room=envelope.ROOM):
    return schema.decode(digest.body(records, period, room), period.minutes)


def slots(body, kind="heart_rate"):
    return next(m.slots for m in body.measures if m.kind == MEASURE_OF[kind])


def vital(t_s, value=70.0, kind="heart_rate"):
    return Vital(kind, "chest/ecg", T0 + t_s, value)


def test_a_day_is_told_in_slots_of_a_quarter_of_an_hour() -> None:
    body = told(day())
    assert body.slot == 15
    assert slots(body)[0] == schema.Slot(0, 15, 60, 63, 66)
    assert slots(body, "temperature") == (schema.Slot(0, 3, 366, 366, 366),)
    assert [m.kind for m in body.measures] == sorted(
        MEASURE_OF[k] for k in ("heart_rate", "temperature", "spo2")
    )


@pytest.mark.parametrize(
    ("t_s", "at"),
    [(0.0, None), (0.001, 0), (900.0, 0), (900.001, 1), (86_400, 95), (86_400.1, None)],
)
def test_a_reading_belongs_to_the_minutes_before_it(t_s, at) -> None:
    body = told([vital(t_s)])
    assert [s.at for m in body.measures for s in m.slots] == ([] if at is None else [at])


def test_minutes_count_once_however_many_readings_they_have() -> None:
    body = told([vital(61 + i / 10) for i in range(590)])
    assert slots(body)[0].minutes == 1


def test_the_median_of_an_even_number_is_the_lower_of_the_middle() -> None:
    assert slots(told([vital(60, 70), vital(120, 80)]))[0].median == 70


def test_what_is_not_a_number_is_left_out() -> None:
    broken = [vital(60, math.nan), vital(60, math.inf)]
    event = Finding("pause", "chest/ecg", T0, T0 + 3, "amber", (("rr_s", math.nan),))
    body = told([*broken, event])
    assert body.measures == () and body.findings[0].evidence == ()


def test_findings_come_gravest_first_in_whole_minutes_with_rounded_numbers() -> None:
    found = told(day()).findings
    names = {n: EVIDENCE[n].name for f in found for n, _ in f.evidence}
    assert [
        (FINDINGS[f.kind], f.severity, f.start, f.end, {names[n]: q for n, q in f.evidence})
        for f in found
    ] == [
        ("bradycardia", 2, 1, 12, {"lowest_bpm": 34, "limit_bpm": 40, "mean_bpm": 36}),
        ("pause", 1, 20, 21, {"rr_s": 34}),
        ("other", 0, 1, 12, {}),
    ]


def test_what_is_told_again_replaces_what_was_told_before() -> None:
    first = Finding("fever", "arm/temperature", T0, T0 + 600, "amber", (), True)
    last = replace(first, t1_s=T0 + 1200, ongoing=False, severity="red")
    (found,) = told([first, last]).findings
    assert (found.severity, found.end, found.ongoing) == (2, 20, False)


@pytest.mark.parametrize(
    ("t0_s", "t1_s", "there"),
    [(-60, -0.1, False), (-60, 0, True), (86_399, 90_000, True), (86_400, 90_000, False)],
)
def test_a_finding_that_does_not_touch_the_period_is_left_out(t0_s, t1_s, there) -> None:
    event = Finding("fever", "arm/temperature", T0 + t0_s, T0 + t1_s, "amber", ())
    assert bool(told([event]).findings) == there


def test_coverage_counts_minutes_by_kind_of_sensor_not_by_sensor() -> None:
    records = [
        Vital("spo2", "left/spo2", T0 + 60, 97.0),
        Vital("spo2", "right/spo2-b", T0 + 61, 97.0),
        Beat("beat", "chest/ecg", T0 + 30, None, True),
        Gap("chest/ecg", T0 + 59, T0 + 61, 500),
        Gap("back/ecg", T0 + 1, T0 + 2, 500),
        Gap("hat/magic", T0 + 86_390, T0 + 99_999, 500),
        Gap("hat/magic", T0 - 50, T0, 500),
    ]
    rows = told(records).coverage
    assert [tuple(msgspec.structs.astuple(c)) for c in rows] == [(0, 0, 1), (1, 1, 2), (5, 2, 0)]


def test_no_name_no_text_and_no_interval_of_a_record_is_in_the_body() -> None:
    data = digest.body(day(), DAY, envelope.ROOM)
    for word in (b"chest", b"wrist", b"ecg", b"canary", b"pause", b"secret", b"template"):
        assert word not in data
    assert set(map(type, flat(msgspec.msgpack.decode(data)))) <= {int, bool}


def flat(value):
    return [x for item in value for x in flat(item)] if isinstance(value, list) else [value]


def crowded(findings, kinds=MEASURES, days=1):
    """Return days with a reading each minute of many measures, and many findings."""
    for term in kinds:
        for minute in range(1, days * 1440 + 1):
            yield vital(60 * minute, term.quantum * (100 + minute * 7919 % 60_000), term.name)
    names = sorted(set(FINDINGS) - {"other"})
    for i in range(findings):
        t0_s = T0 + i * (days * 86_000 / findings)
        evidence = tuple((term.name, 1e4 * term.quantum) for term in EVIDENCE[:5])
        yield Finding(names[i % 27], "a/ecg", t0_s, t0_s + 1, ("info", "red")[i % 2], evidence)


@pytest.mark.parametrize(
    ("findings", "room", "slot", "joined"),
    [
        (0, envelope.ROOM, 15, False),
        (50, 16_000, 60, False),
        (2500, envelope.ROOM, 60, True),
        (0, 4000, 120, False),
        (0, 2000, 240, False),
    ],
)
def test_what_does_not_fit_is_told_in_coarser_slots_or_joined(findings, room, slot, joined) -> None:
    body = told(list(crowded(findings)), room=room)
    assert body.slot == slot
    assert sum(f.count for f in body.findings) == findings
    assert any(f.count > 1 for f in body.findings) == joined
    for measure in body.measures:
        assert sum(s.minutes for s in measure.slots) == 1440


def test_the_fullest_report_of_the_longest_period_fits() -> None:
    """All numbers at their longest; every kind and severity begins in every slot."""
    slot = schema.Slot(8, 1440, -schema.LIMIT, schema.LIMIT - 1, schema.LIMIT)
    measures = tuple(schema.Measure(k, (slot,) * 9) for k in range(len(MEASURES)))
    findings = tuple(
        schema.Told(kind, severity, -schema.FAR, schema.FAR, True, schema.LIMIT, ())
        for kind in range(len(FINDINGS))
        for severity in range(3)
        for _ in range(9)
    )
    coverage = tuple(schema.Coverage(n, 11_580, 11_580) for n in range(13))
    assert len(schema.encode(schema.Body(1440, measures, findings, coverage))) < envelope.ROOM


def test_joined_findings_keep_their_number_and_their_extent() -> None:
    found = [
        Finding("pause", "a/ecg", T0 + t, T0 + t + 3, "amber", (("rr_s", 3.0),), t == 400)
        for t in (-90, 100, 400, 1000)
    ]
    listed = [digest._told(e, DAY) for e in digest.events(found)]
    joined = sorted(digest._joined(listed, 15), key=schema.order)
    assert [(x.start, x.end, x.count, x.ongoing, len(x.evidence)) for x in joined] == [
        (-2, 7, 3, True, 0),
        (16, 17, 1, False, 1),
    ]


@given(st.integers(-5, 20_000))
def test_a_period_is_a_minute_to_eight_days(minutes) -> None:
    if 1 <= minutes <= schema.MAX_MINUTES:
        assert digest.Period(BEGIN, BEGIN + minutes).minutes == minutes
    else:
        with pytest.raises(ValueError, match="minutes"):
            digest.Period(BEGIN, BEGIN + minutes)


def test_other_is_told_of_kinds_that_are_not_on_the_list() -> None:
    assert FINDING_OF["other"] == 0


GOOD = [15, [[0, [[0, 15, 1, 2, 3]]]], [[1, 2, 0, 5, False, 1, [[0, 5]]]], [[1, 15, 0]]]


def changed(path, value):
    """Return a good body with one part changed."""
    body = msgspec.msgpack.decode(msgspec.msgpack.encode(GOOD))
    part = body
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    return msgspec.msgpack.encode(body)


def test_a_good_body_is_read() -> None:
    assert msgspec.msgpack.encode(schema.decode(msgspec.msgpack.encode(GOOD), 1440)) == (
        msgspec.msgpack.encode(GOOD)
    )


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((0,), 16),
        ((0,), 15.0),
        ((1,), [[0, []]]),
        ((1, 0, 0), len(MEASURES)),
        ((1, 0, 1, 0, 0), 96),
        ((1, 0, 1, 0, 1), 16),
        ((1, 0, 1, 0, 1), 0),
        ((1, 0, 1, 0, 2), 3),
        ((1, 0, 1, 0, 4), schema.LIMIT + 1),
        ((1, 0, 1, 0), [0, 15, 1, 2, 3, 4]),
        ((1, 0, 1, 0), [0, 15, 1, 2]),
        ((1, 0, 1), [[0, 15, 1, 2, 3], [0, 15, 1, 2, 3]]),
        ((1,), [[0, [[0, 15, 1, 2, 3]]], [0, [[0, 15, 1, 2, 3]]]]),
        ((2, 0, 0), len(FINDINGS)),
        ((2, 0, 0), "pause"),
        ((2, 0, 1), 3),
        ((2, 0, 2), 6),
        ((2, 0, 3), schema.FAR + 1),
        ((2, 0, 4), 1),
        ((2, 0, 5), 0),
        ((2, 0, 6), [[0, 5], [0, 5]]),
        ((2, 0, 6), [[len(EVIDENCE), 5]]),
        ((2, 0, 6), [[0, 5.5]]),
        ((2,), [[1, 1, 0, 5, False, 1, []], [1, 2, 0, 5, False, 1, []]]),
        ((3, 0, 1), 1441),
        ((3, 0, 2), 1441),
        ((3,), [[1, 15, 0], [1, 15, 0]]),
        ((3,), [[1, 15, 0], "free text"]),
    ],
)
def test_a_body_of_any_other_form_is_refused(path, value) -> None:
    with pytest.raises(schema.ReportError, match="bad body"):
        schema.decode(changed(path, value), 1440)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        msgspec.msgpack.encode(GOOD) + b"\0",
        msgspec.msgpack.encode(GOOD)[:-1],
        msgspec.msgpack.encode([*GOOD, 0]),
        b"\x94\xcc\x0f" + msgspec.msgpack.encode(GOOD)[2:],  # 15, written in two bytes
    ],
)
def test_a_body_in_other_bytes_is_refused(data) -> None:
    with pytest.raises(schema.ReportError, match="bad body"):
        schema.decode(data, 1440)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_body_or_refused(data) -> None:
    try:
        body = schema.decode(data, 1440)
    except schema.ReportError:
        return
    assert schema.encode(body) == data
