"""Findings into episodes: what overlaps in time is one event, whoever saw it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from healthslm.records import Finding

# finding -> (evidence of its worst value, +1 where larger is worse)
WORST = {
    "tachycardia": ("highest_bpm", 1),
    "bradycardia": ("lowest_bpm", -1),
    "pause": ("rr_s", 1),
    "ventricular_run": ("fastest_bpm", 1),
    "ventricular_ectopy": ("burden_pct", 1),
    "supraventricular_ectopy": ("burden_pct", 1),
    "desaturation": ("lowest_pct", -1),
    "oxygen_dips": ("odi3_per_h", 1),
    "tachypnoea": ("highest_per_min", 1),
    "bradypnoea": ("lowest_per_min", -1),
    "apnoea_night": ("pattern_per_h", 1),
    "glucose_low": ("lowest_mgdl", -1),
    "glucose_high": ("highest_mgdl", 1),
    "fever": ("highest_c", 1),
    "hypothermia": ("lowest_c", -1),
    "hypertension": ("systolic_mmhg", 1),
    "hypotension": ("lowest_mmhg", -1),
    "baseline_shift": ("nights", 1),
}


@dataclass(slots=True)
class Episode:
    """Findings of one kind that overlap in time: one event, seen by one stream or more."""

    t0_s: float
    t1_s: float
    open: bool  # still going on when last told, or reaching out of the period
    findings: list[Finding]

    @property
    def cut(self) -> bool:
        """It began before the period."""
        return any(f.t0_s < self.t0_s for f in self.findings)

    @property
    def length_s(self) -> float:
        """How long it lasted, within the period."""
        return self.t1_s - self.t0_s

    @property
    def signals(self) -> set[str]:
        """The kinds of the streams concerned, "ecg" for "chest/ecg-v5"."""
        return {f.stream.rpartition("/")[2].partition("-")[0] for f in self.findings}


def join(findings: Iterable[Finding], t0_s: float, t1_s: float) -> list[Episode]:
    """Join findings that overlap or begin together, and cut them to the period."""
    out: list[Episode] = []
    for f in sorted(findings, key=lambda f: (f.t0_s, f.t1_s, f.stream)):
        begin, end = max(f.t0_s, t0_s), min(f.t1_s, t1_s)
        is_open = f.ongoing or f.t0_s < t0_s or f.t1_s > t1_s
        if out and (begin < out[-1].t1_s or begin == out[-1].t0_s):
            last = out[-1]
            last.t1_s = max(last.t1_s, end)
            last.open = last.open or is_open
            last.findings.append(f)
        else:
            out.append(Episode(begin, end, is_open, [f]))
    return out


def worst(episodes: Sequence[Episode]) -> tuple[Episode, Finding]:
    """Return the gravest finding and its episode; of equals, the first.

    Raises
    ------
    ValueError
        As `evidence`.
    """
    key, sign = WORST[episodes[0].findings[0].kind]
    all_of_them = ((e, f) for e in episodes for f in e.findings)
    return max(all_of_them, key=lambda pair: sign * evidence(pair[1], key))


def evidence(finding: Finding, key: str) -> float:
    """Return a number that shows a finding.

    Raises
    ------
    ValueError
        The detector left it out: a fault of ours.
    """
    for name, value in finding.evidence:
        if name == key:
            return value
    raise ValueError(f"a finding of kind {finding.kind} holds no {key}")
