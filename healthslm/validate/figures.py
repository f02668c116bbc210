"""Counts into shares, and rows of recordings into gross and average figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

NAN = float("nan")


def gross(frame: pd.DataFrame) -> dict[str, float]:
    """Return se, ppv, f1 (in %) and the counts over all of `frame`: every beat counts alike."""
    counts = {str(n): frame[n].sum().item() for n in frame if _summed(str(n))}
    told = shares(counts["tp"], counts["fp"], counts["fn"])
    if "tn" in counts:
        told["fpr"] = pct(counts["fp"], counts["fp"] + counts["tn"])
    if "s_tp" in counts:
        of_s = shares(counts["s_tp"], counts["s_fp"], counts["s_fn"])
        told |= {f"s_{name}": value for name, value in of_s.items()}
    if "ref_s" in counts:
        told |= by_time_and_beat(counts)
    if "jitter_ms" in frame:
        square = float((frame["jitter_ms"] ** 2 * frame["tp"]).sum())
        told["jitter_ms"] = (square / counts["tp"]) ** 0.5 if counts["tp"] else NAN
    return {**counts, **told}


def average(frame: pd.DataFrame) -> dict[str, float]:
    """Return the mean over recordings of every share (in %); empty ones do not count."""
    named = [n for n in frame.select_dtypes("float") if not str(n).endswith(("_s", "_ms"))]
    return {str(n): float(frame[n].mean()) for n in named}


def by_time_and_beat(counts: Mapping[str, float]) -> dict[str, float]:
    """Return the shares of `af`: a told episode may overlap several, so ppv counts its own."""
    c = counts
    ppv = pct(c["test_tp"], c["test_tp"] + c["fp"])
    se = pct(c["tp"], c["tp"] + c["fn"])
    return {
        "ppv": ppv,
        "f1": 2 * se * ppv / (se + ppv) if se + ppv > 0 else NAN,
        "duration_se": pct(c["both_s"], c["ref_s"]),
        "duration_ppv": pct(c["both_s"], c["test_s"]),
        "beat_se": pct(c["beat_tp"], c["beat_tp"] + c["beat_fn"]),
        "beat_sp": pct(c["beat_tn"], c["beat_tn"] + c["beat_fp"]),
        "beat_ppv": pct(c["beat_tp"], c["beat_tp"] + c["beat_fp"]),
    }


def _summed(name: str) -> bool:
    return name.endswith(("tp", "fp", "fn", "tn")) or name in ("ref_s", "test_s", "both_s")


def pct(part: float, whole: float) -> float:
    """Return a share in %; NaN of nothing."""
    return 100 * part / whole if whole else NAN


def shares(tp: float, fp: float, fn: float) -> dict[str, float]:
    """Return sensitivity, positive predictive value and F1, in %."""
    return {
        "se": pct(tp, tp + fn),
        "ppv": pct(tp, tp + fp),
        "f1": pct(2 * tp, 2 * tp + fp + fn),
    }
