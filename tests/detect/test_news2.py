"""Partial NEWS2: what is counted, for how long, and how loud it may be."""

from dataclasses import replace

import pytest

from healthslm.detect.news2 import DETECTOR, Inputs, score
from healthslm.records import Vital

T0 = 1_700_000_000.0
REST = 0.01


def minutes(n, *, t0_s=0.0, **values):
    """Return `n` minutes of readings, one of each kind a minute."""
    spo2 = values.pop("spo2", 98)
    out = []
    for i in range(n):
        t_s = T0 + t0_s + 60 * i
        out += [Vital(kind, f"band/{kind}", t_s - 1, float(v)) for kind, v in values.items()]
        out.append(Vital("spo2", "ring/spo2", t_s, float(spo2)))
    return out


def after_calm(n, **values):
    """Return the same after ten minutes in which all is well, which teach the pace."""
    calm = {"heart_rate": 72, "respiratory_rate": 14, "temperature": 36.6, "activity": REST}
    usual = {kind: calm.get(kind, 98) for kind in values}
    return minutes(10, t0_s=-600, **usual) + minutes(n, **values)


def severities(findings):
    return [f.severity for f in findings]


def test_a_score_says_of_how_many_inputs() -> None:
    assert score(Inputs()).known == 0
    some = score(Inputs(spo2_pct=93, pulse_bpm=95))
    assert (some.total, some.known, some.risk) == (3, 2, "low")
    assert some.parts == (("spo2", 2), ("pulse", 1))


def test_a_single_three_is_more_than_a_sum_of_four_and_less_than_five() -> None:
    assert score(Inputs(pulse_bpm=131)).risk == "low-medium"
    assert score(Inputs(pulse_bpm=111, respiratory_rate_per_min=21)).risk == "low"
    five = Inputs(pulse_bpm=111, respiratory_rate_per_min=25)
    assert score(five).risk == "medium"
    assert score(replace(five, spo2_pct=93)).risk == "high"


@pytest.mark.parametrize(("bpm", "points"), [(90.49, 0), (90.5, 1), (40.49, 3), (40.5, 1)])
def test_the_chart_is_of_whole_numbers(bpm, points) -> None:
    assert score(Inputs(pulse_bpm=bpm)).total == points


@pytest.mark.parametrize(("celsius", "points"), [(35.04, 3), (35.05, 1), (38.04, 0), (39.05, 2)])
def test_and_of_tenths_of_a_degree(celsius, points) -> None:
    assert score(Inputs(temperature_c=celsius)).total == points


def test_too_much_oxygen_is_bad_for_those_who_breathe_it_only() -> None:
    """On scale 2, and not knowing is not breathing it."""
    for on_oxygen, points in ((None, 0), (False, 0), (True, 3)):
        inputs = Inputs(spo2_pct=97, on_oxygen=on_oxygen)
        assert dict(score(inputs, scale=2).parts)["spo2"] == points


@pytest.mark.parametrize(
    ("values", "want"),
    [
        ({"heart_rate": 115, "respiratory_rate": 22}, None),  # 4
        ({"heart_rate": 115, "respiratory_rate": 22, "spo2": 95}, "amber"),  # 5
        ({"heart_rate": 115, "respiratory_rate": 22, "spo2": 93}, "amber"),  # 6
        ({"heart_rate": 115, "respiratory_rate": 25, "spo2": 93}, "red"),  # 7
        ({"heart_rate": 135}, "info"),  # a single 3
        ({"heart_rate": 72, "respiratory_rate": 14}, None),
    ],
)
def test_the_partial_sum_gives_the_severity(told, values, want) -> None:
    findings = told(DETECTOR, after_calm(11, activity=REST, **values))
    assert severities(findings)[-1:] == ([want] if want else [])
    if want:
        assert dict(findings[-1].evidence)["n_of_7"] == len(values) + ("spo2" not in values)


ILL = {"heart_rate": 115, "respiratory_rate": 25, "spo2": 93}


def test_it_takes_ten_minutes_at_rest(told) -> None:
    assert told(DETECTOR, after_calm(10, activity=REST, **ILL)) == []
    findings = told(DETECTOR, after_calm(11, activity=REST, **ILL))
    assert severities(findings) == ["red"]
    assert dict(findings[0].evidence) == {"score": 7, "n_of_7": 3, "limit": 7}


@pytest.mark.parametrize(("g", "n"), [(0.049, 1), (0.05, 0)])
def test_movement_does_not_count(told, g, n) -> None:
    assert len(told(DETECTOR, after_calm(60, activity=g, **ILL))) == n


def test_where_nobody_tells_of_movement_it_is_amber_at_most_and_takes_longer(told) -> None:
    assert told(DETECTOR, after_calm(30, **ILL)) == []
    assert severities(told(DETECTOR, after_calm(60, **ILL))) == ["amber"]


@pytest.mark.parametrize(
    ("kind", "value", "age_s", "n"),
    [
        ("heart_rate", 115, 300, 2),
        ("heart_rate", 115, 301, 1),
        ("respiratory_rate", 25, 300, 2),
        ("respiratory_rate", 25, 301, 1),
        ("systolic", 95, 14_400, 2),
        ("systolic", 95, 14_401, 1),
        ("temperature", 39.1, 14_400, 2),
        ("temperature", 39.1, 14_401, 1),
    ],
)
def test_what_is_too_old_is_not_known(kind, value, age_s, n) -> None:
    state, _ = DETECTOR.step(DETECTOR.start(), Vital(kind, f"x/{kind}", T0, float(value)))
    later = Vital("spo2", "ring/spo2", T0 + age_s, 97.0)
    state, _ = DETECTOR.step(state, later)
    assert score(DETECTOR._inputs(state, later)).known == n


def test_temperature_counts_where_it_is_a_bodys(told) -> None:
    """Skin of 34 Cel would be 3 points; a body thermometer that falls to it is."""
    two = {"heart_rate": 115}
    skin = minutes(30, activity=REST, temperature=34.0, **two)
    assert told(DETECTOR, skin) == []
    warm = minutes(5, activity=REST, temperature=36.6, t0_s=-300, **two)
    assert severities(told(DETECTOR, warm + skin)) == ["amber"]
    named = [
        replace(x, stream="band/temperature-skin") if x.kind == "temperature" else x
        for x in warm + skin
    ]
    assert told(DETECTOR, named) == []


def test_skin_does_not_stand_for_the_body_thermometer_beside_it(told) -> None:
    body = [Vital("temperature", "ear/temperature", T0 - 100, 36.6)]
    skin = minutes(30, activity=REST, temperature=34.0, heart_rate=115)
    assert told(DETECTOR, body + skin) == []


def test_what_only_a_person_can_say_comes_from_the_configuration(told) -> None:
    values = after_calm(11, activity=REST, heart_rate=72)
    assert told(DETECTOR, values) == []
    altered = replace(DETECTOR, consciousness="altered", on_oxygen="yes")
    (finding,) = told(altered, values)[-1:]
    assert dict(finding.evidence) == {"score": 5, "n_of_7": 4, "limit": 5}
    assert told(replace(DETECTOR, consciousness="alert", on_oxygen="no"), values) == []


def test_scale_2_is_the_configurations_choice(told) -> None:
    values = after_calm(11, activity=REST, heart_rate=115, respiratory_rate=22, spo2=90)
    assert severities(told(DETECTOR, values))[-1] == "red"
    assert told(replace(DETECTOR, spo2_scale=2), values) == []


def test_it_is_over_when_the_score_is_lower_for_twenty_minutes(told) -> None:
    ill = after_calm(11, activity=REST, heart_rate=115, respiratory_rate=22, spo2=95)
    well = minutes(21, t0_s=660, activity=REST, heart_rate=115, respiratory_rate=22, spo2=97)
    assert len(told(DETECTOR, ill + well[:-3])) == 1
    first, last = told(DETECTOR, ill + well)
    assert (last.ongoing, last.key) == (False, first.key)
    assert dict(last.evidence) == {"score": 5, "n_of_7": 3, "limit": 5}


def test_n_belongs_to_the_highest_score(told) -> None:
    """Later readings with fewer inputs do not claim the sum of more."""
    ill = after_calm(11, activity=REST, **ILL)
    less = minutes(30, t0_s=660, activity=REST, spo2=93)
    last = told(DETECTOR, ill + less)[-1]
    assert dict(last.evidence) == {"score": 7, "n_of_7": 3, "limit": 7}
