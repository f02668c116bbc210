"""What may leave the board: every kind, with its number and how finely it is told.

A list on purpose, where the rest of the program has none: nothing new leaves because
somebody added a file. Numbers are places in these tuples, so rows are only ever added at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Term:
    """A number that may be told."""

    name: str
    quantum: float  # the step it is rounded to
    unit: str = ""  # UCUM

    def rounded(self, value: float) -> int:
        """Return a finite value in steps.

        >>> Term("temperature", 0.1).rounded(36.66)
        367
        """
        return max(-LIMIT, min(floor(value / self.quantum + 0.5), LIMIT))


MEASURES = (
    Term("heart_rate", 1, "/min"),
    Term("pulse_rate", 1, "/min"),
    Term("respiratory_rate", 1, "/min"),
    Term("spo2", 1, "%"),
    Term("temperature", 0.1, "Cel"),
    Term("systolic", 1, "mm[Hg]"),
    Term("diastolic", 1, "mm[Hg]"),
    Term("glucose", 1, "mg/dL"),
    Term("rmssd", 5, "ms"),
    Term("sdnn", 5, "ms"),
    Term("activity", 0.05, "g"),
    Term("steps", 10, "/min"),
    Term("posture", 10, "deg"),
    Term("asleep", 1),
    Term("glucose_mean", 1, "mg/dL"),
    Term("glucose_cv", 1, "%"),
    Term("glucose_gmi", 0.1, "%"),
    Term("glucose_tbr2", 1, "%"),
    Term("glucose_tbr1", 1, "%"),
    Term("glucose_tir", 1, "%"),
    Term("glucose_tar1", 1, "%"),
    Term("glucose_tar2", 1, "%"),
    Term("glucose_wear", 1, "%"),
    Term("ecg_quality", 0.1),
    Term("ppg_quality", 0.1),
    Term("respiration_quality", 0.1),
)

FINDINGS = (
    "other",
    *("apnoea_night", "baseline_shift", "bigeminy", "bradycardia", "bradypnoea"),
    *("desaturation", "fall", "fever", "glucose_high", "glucose_low", "hypertension"),
    *("hypotension", "hypothermia", "inactivity", "irregular_burden", "irregular_rhythm"),
    *("news2", "no_data", "oxygen_dips", "pause", "poor_signal"),
    *("supraventricular_ectopy", "swinging_signal", "tachycardia", "tachypnoea"),
    *("ventricular_ectopy", "ventricular_run"),
)
OTHER = 0
NOT_TOLD = frozenset({"summary_by_template"})
"""Findings for the operator of the board, of no concern to a clinician."""

EVIDENCE = (
    *(Term(f"{of}_bpm", 1, "/min") for of in ("highest", "lowest", "limit", "mean", "fastest")),
    *(Term(f"{of}_per_min", 1, "/min") for of in ("highest", "lowest", "limit", "mean")),
    *(Term(f"{of}_pct", 1, "%") for of in ("lowest", "limit", "mean", "nadir")),
    *(Term(f"{of}_pct", 1, "%") for of in ("burden", "irregular")),
    *(Term(f"{of}_c", 0.1, "Cel") for of in ("highest", "lowest", "limit", "mean")),
    *(Term(f"{of}_mgdl", 1, "mg/dL") for of in ("highest", "lowest", "limit", "mean")),
    *(Term(f"{of}_mmhg", 1, "mm[Hg]") for of in ("lowest", "limit", "systolic", "diastolic")),
    *(Term(f"{of}_limit_mmhg", 1, "mm[Hg]") for of in ("systolic", "diastolic")),
    Term("rr_s", 0.1, "s"),
    *(Term(f"{of}_s", 1, "s") for of in ("length", "longest", "irregular", "still", "silent")),
    *(Term(f"{of}_s", 1, "s") for of in ("below_90", "swing")),
    *(Term(f"{of}_h", 0.1, "h") for of in ("analysed", "analysable", "monitored")),
    *(Term(f"{of}_h", 0.1, "h") for of in ("still", "limit")),
    *(Term(f"{of}_per_h", 1, "/h") for of in ("odi3", "odi4", "pattern")),
    Term("pattern_minutes", 1, "min"),
    Term("peak_g", 0.1, "g"),
    Term("turned_deg", 10, "deg"),
    *(Term(of, 1) for of in ("pairs", "beats", "ectopic", "couplets", "runs", "longest")),
    *(Term(of, 1) for of in ("episodes", "days", "nights", "readings", "score", "n_of_7")),
    Term("limit", 1),
    Term("quality", 0.1),
    *(Term(f"{of}heart_rate_bpm", 1, "/min") for of in ("", "usual_")),
    *(Term(f"{of}rmssd_ms", 5, "ms") for of in ("", "usual_")),
    *(Term(f"{of}temperature_c", 0.1, "Cel") for of in ("", "usual_")),
    *(Term(f"{of}respiratory_rate_per_min", 1, "/min") for of in ("", "usual_")),
)

STREAMS = (
    "other",
    *("ecg", "ppg", "respiration", "acceleration"),
    *("spo2", "temperature", "heart_rate", "respiratory_rate", "activity"),
    *("systolic", "diastolic", "glucose"),
)
"""Kinds of stream; where a person wears it, and how many there are, is not told."""

MEASURE_OF = {term.name: number for number, term in enumerate(MEASURES)}
FINDING_OF = {name: number for number, name in enumerate(FINDINGS)}
EVIDENCE_OF = {term.name: number for number, term in enumerate(EVIDENCE)}
STREAM_OF = {name: number for number, name in enumerate(STREAMS)}
