"""Invented days, as records: an exam of its own for whatever writes about them.

A seed gives a row of cases, and another seed a fresh row. Nothing is shared with the corpus
that the model learns from but the rule by which combinations of facts are held out. Days are
ordinary, grave, sparse, contradictory (sensors that disagree, findings against their own
measures) or wholly unknown.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from runpy import run_path

from healthslm.language.facts import Facts, gather
from healthslm.language.plan import Plan, plan
from healthslm.records import Beat, Derived, Finding, Severity, Vital

DAY_S = 86_400.0
LANGUAGES = ("en", "es")
ZONES = ("UTC", "Europe/Madrid", "America/New_York", "America/Bogota")
SHAPES = ("ordinary", "ordinary", "grave", "grave", "sparse", "contradictory", "unknown")
LEVELS = ("plain",) * 7 + ("plainer", "carer", "clinician")
SEVERITIES: tuple[Severity, ...] = ("info", "amber", "red")

_VITALS = {  # kind: what is ordinary, what is extreme, decimals
    "heart_rate": ((52.0, 95.0), (24.0, 215.0), 2),
    "spo2": ((93.0, 99.0), (58.0, 100.0), 1),
    "temperature": ((36.0, 37.4), (31.0, 41.8), 2),
    "respiratory_rate": ((10.0, 20.0), (3.0, 44.0), 2),
}
_FINDINGS = {  # kind: evidence and the ranges it is drawn from
    "tachycardia": {"highest_bpm": (101, 230), "limit_bpm": (100, 101), "mean_bpm": (100, 130)},
    "bradycardia": {"lowest_bpm": (18, 49), "limit_bpm": (49, 50), "mean_bpm": (30, 50)},
    "pause": {"rr_s": (2.0, 11.0)},
    "irregular_rhythm": {"mean_bpm": (40, 170), "longest_s": (30, 900)},
    "ventricular_run": {"beats": (3, 60), "mean_bpm": (100, 200), "fastest_bpm": (100, 280)},
    "ventricular_ectopy": {"burden_pct": (0.05, 50)},
    "supraventricular_ectopy": {"burden_pct": (0.05, 50)},
    "bigeminy": {"pairs": (5, 900), "length_s": (20, 3000)},
    "swinging_signal": {"swing_s": (4, 60)},
    "desaturation": {"lowest_pct": (55, 92), "limit_pct": (92, 93), "mean_pct": (70, 92)},
    "oxygen_dips": {"odi3_per_h": (5, 90), "odi4_per_h": (2, 60)},
    "tachypnoea": {
        "highest_per_min": (21, 50),
        "limit_per_min": (21, 25),
        "mean_per_min": (21, 40),
    },
    "bradypnoea": {"lowest_per_min": (2, 8), "limit_per_min": (8, 9), "mean_per_min": (3, 8)},
    "apnoea_night": {"pattern_per_h": (5, 55)},
    "glucose_low": {"lowest_mgdl": (25, 69), "limit_mgdl": (54, 70), "mean_mgdl": (40, 69)},
    "glucose_high": {"highest_mgdl": (181, 500), "limit_mgdl": (180, 250), "mean_mgdl": (181, 300)},
    "fever": {"highest_c": (38, 42), "limit_c": (38, 38.1), "mean_c": (38, 40)},
    "hypothermia": {"lowest_c": (28, 35), "limit_c": (35, 35.1), "mean_c": (30, 35)},
    "hypertension": {"systolic_mmhg": (135, 240), "diastolic_mmhg": (60, 130)},
    "hypotension": {"lowest_mmhg": (50, 90), "limit_mmhg": (90, 91)},
    "fall": {"peak_g": (2, 9), "still_s": (30, 90)},
    "inactivity": {"still_h": (5, 20), "limit_h": (5, 10)},
    "baseline_shift": {"nights": (2, 9)},
    "news2": {"score": (3, 18)},
    "poor_signal": {"bad_s": (60, 3000)},
    "no_data": {"silent_s": (60, 3000)},
    "a_kind_of_tomorrow": {},
    "irregular_burden": {"irregular_pct": (1, 60)},
}
_STREAMS = (
    "chest/ecg",
    "chest/ecg-v5",
    "wrist/ppg",
    "band/spo2",
    "ear/temperature",
    "belt/glucose",
)


@dataclass(frozen=True, slots=True)
class Case:
    """One day, the days before it, and how it is to be told."""

    shape: str
    t0_s: float
    t1_s: float
    zone: str
    records: tuple[Derived, ...]
    before: tuple[tuple[float, float, tuple[Derived, ...]], ...]  # oldest first
    lang: str
    level: str

    def facts(self) -> Facts:
        """Return what is true of it."""
        earlier = [gather(rows, t0, t1, zone=self.zone) for t0, t1, rows in self.before]
        return gather(self.records, self.t0_s, self.t1_s, zone=self.zone, earlier=earlier)

    def plan(self) -> Plan:
        """Return what is to be said of it."""
        return plan(self.facts(), self.level)


def cases(seed: int, n: int) -> Iterator[Case]:
    """Yield `n` cases in each language, every combination of facts one that training never saw."""
    rule = run_path(str(Path(__file__).parents[1] / "models" / "recipe" / "corpus.py"))[
        "is_held_out"
    ]
    draw, done = Random(zlib.crc32(f"exam {seed}".encode())), 0  # noqa: S311 - invented days
    while done < n:
        case = _case(draw)
        if rule(case.plan()):
            yield from (replace(case, lang=lang) for lang in LANGUAGES)
            done += 1


def _case(draw: Random) -> Case:
    shape, zone = draw.choice(SHAPES), draw.choice(ZONES)
    t0_s = DAY_S * draw.randrange(18_500, 22_000) + 3600.0 * draw.choice((0, 0, 4, 5, 22))
    span_s = DAY_S if draw.random() < 0.85 else 60.0 * draw.randrange(20, 9000)
    count = {"ordinary": (0, 0, 0, 1, 2), "grave": (1, 2, 3, 4, 6), "unknown": (0, 0, 1)}
    findings = draw.choice(count.get(shape, (0, 1, 2, 3)))
    records = list(_day(draw, shape, t0_s, t0_s + span_s, findings))
    before = []
    for back in range(draw.choice((0, 3, 5, 6, 7)), 0, -1):
        t_s = t0_s - back * DAY_S
        calm = "sparse" if draw.random() < 0.9 else "unknown"
        rows = tuple(_day(draw, calm, t_s, t_s + DAY_S, draw.choice((0, 0, 1, 2)), drift=back))
        before.append((t_s, t_s + DAY_S, rows))
    draw.shuffle(records)
    level = draw.choice(LEVELS)
    return Case(shape, t0_s, t0_s + span_s, zone, tuple(records), tuple(before), "en", level)


def _day(
    draw: Random, shape: str, t0_s: float, t1_s: float, findings: int, drift: int = 0
) -> Iterator[Derived]:
    for kind in draw.sample(sorted(_FINDINGS), findings):
        yield from _found(draw, kind, t0_s, t1_s)
    if shape == "unknown":
        return
    for kind, (usual, extreme, decimals) in _VITALS.items():
        if draw.random() < {"sparse": 0.7, "grave": 0.8}.get(shape, 0.95):
            low, high = extreme if shape in {"grave", "contradictory"} else usual
            middle = draw.uniform(low, high) + drift * draw.choice((0.0, 0.0, 0.02)) * (high - low)
            spread = (high - low) * draw.choice((0.0, 0.01, 0.1))
            for t_s in _times(draw, shape, t0_s, t1_s):
                value = round(
                    min(max(draw.gauss(middle, spread), extreme[0]), extreme[1]), decimals
                )
                yield Vital(kind, draw.choice(_STREAMS), t_s, value)
    if draw.random() < 0.5:
        step_s = (t1_s - t0_s) / 90
        for n in range(draw.choice((10, 40, 80))):
            yield Vital(
                "activity", "wrist/activity", t0_s + n * step_s, draw.choice((0.0, 0.05, 0.2))
            )
    for n in range(draw.choice((0, 2, 3, 12))):
        t_s = t0_s + 61.0 * n
        if t_s < t1_s:
            yield Beat("beat", "chest/ecg", t_s, 0.8, good=draw.random() < 0.9)


def _times(draw: Random, shape: str, t0_s: float, t1_s: float) -> list[float]:
    few = draw.sample(range(int((t1_s - t0_s) // 60)), k=draw.choice((1, 2, 3, 4, 9)))
    if shape == "sparse" or draw.random() < 0.6:
        return [t0_s + 60.0 * minute + draw.random() * 60 for minute in few]
    share = draw.choice((0.1, 0.3, 0.7, 1.0))
    count = int(share * (t1_s - t0_s) / 540)
    return [t0_s + 540.0 * n + draw.random() for n in range(count)]


def _found(draw: Random, kind: str, t0_s: float, t1_s: float) -> Iterator[Finding]:
    for _ in range(draw.choice((1, 1, 2, 3))):
        begin = draw.uniform(t0_s - 3600, t1_s)
        length = draw.choice((draw.uniform(1, 900), draw.uniform(600, 40_000)))
        evidence = tuple(
            (name, round(draw.uniform(*ends), 2))
            for name, ends in _FINDINGS[kind].items()
            if name != "diastolic_mmhg" or draw.random() < 0.8
        )
        yield Finding(
            kind,
            draw.choice(_STREAMS),
            begin,
            begin + length,
            draw.choice(SEVERITIES),
            evidence,
            ongoing=draw.random() < 0.1,
        )
