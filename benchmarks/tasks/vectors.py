"""Every exact value of `tests/vectors/clinical.json`, computed by the code that ships."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import scores
from benchmarks.data import Data
from benchmarks.peers import Peers
from healthslm.bench import Result
from healthslm.detect import extremes, pause, ventricular_run
from healthslm.detect.ectopy import runs
from healthslm.detect.irregular_burden import af_burden
from healthslm.detect.news2 import Inputs, score
from healthslm.detect.nights import night_signal
from healthslm.detect.oxygen_dips import DETECTOR as OXYGEN_DIPS
from healthslm.records import Beat, Finding
from healthslm.signals import glucose_range, hrv, hrv_spectrum, qtc, quality, temperature
from healthslm.validate.matching import match
from healthslm.validate.matrix import Matrix

FILE = Path(__file__).resolve().parents[2] / "tests" / "vectors" / "clinical.json"

Given = Mapping[str, Any]
Values = dict[str, Any]

INPUTS = {
    "respiratory_rate": "respiratory_rate_per_min",
    "spo2": "spo2_pct",
    "on_oxygen": "on_oxygen",
    "systolic": "systolic_mmhg",
    "pulse": "pulse_bpm",
    "alert": "alert",
    "temperature": "temperature_c",
}


@dataclass(frozen=True, slots=True)
class Compared:
    """One value of the file beside ours; a number is ours rounded to the digits of the file."""

    name: str
    want: Any
    have: Any

    @property
    def exact(self) -> bool:
        """Both are the same."""
        return bool(self.want == self.have)


def measure(_data: Data, _peers: Peers | None) -> list[Result]:
    """Return how many values there are and how many are exact."""
    compared = list(compare())
    exact = 100 * sum(c.exact for c in compared) / len(compared)
    metrics = {"exact": exact, "values": float(len(compared))}
    return [Result("vectors", "clinical", "exact", metrics, {"exact": (">=", 100.0)})]


def compare() -> Iterator[Compared]:
    """Yield every value of the file beside ours."""
    for section, content in json.loads(FILE.read_text("utf-8")).items():
        for number, case in enumerate(content["cases"]):
            have = SECTIONS.get(section, _nothing)(case["given"])
            yield from _leaves(f"{section}[{number}]", case["expect"], have)


def _nothing(_given: Given) -> None:
    """Return what there is for values that no code of ours gives yet: they are not exact."""


def _leaves(name: str, want: Any, have: Any) -> Iterator[Compared]:
    if have is None and isinstance(want, dict):
        yield from (Compared(f"{name}.{key}", value, None) for key, value in want.items())
    elif isinstance(want, dict):
        for key, value in want.items():
            yield from _leaves(f"{name}.{key}", value, have[key])
    elif isinstance(want, list):
        for i, (a, b) in enumerate(zip(want, have, strict=True)):
            yield from _leaves(f"{name}[{i}]", a, b)
    elif isinstance(want, float):
        decimals = len(repr(want).partition(".")[2])
        yield Compared(name, want, round(float(have), decimals))
    else:
        yield Compared(name, want, have)


def _news2(given: Given) -> Values:
    seen = score(Inputs(**{INPUTS[k]: given[k] for k in INPUTS}), scale=given["scale"])
    return {"points": dict(seen.parts), "total": seen.total, "risk": seen.risk}


def _news2_chart(given: Given) -> Values:
    oxygen = {"on_oxygen": given["on_oxygen"]} if "on_oxygen" in given else {}
    inputs = Inputs(**{**oxygen, INPUTS[given["of"]]: given["value"]})
    return {"points": dict(score(inputs, scale=given.get("scale", 1)).parts)[given["of"]]}


def _hrv(given: Given) -> Values:
    rr_s = [x / 1000 for x in given["intervals_ms"] * given["times"]]
    return {
        "mean_nn": hrv.mean_nn_ms(rr_s),
        "mean_hr": hrv.mean_hr_bpm(rr_s),
        "sdnn": hrv.sdnn_ms(rr_s),
        "sdnn_of_all": hrv.sdnn_ms(rr_s, less=0),
        "rmssd": hrv.rmssd_ms(rr_s),
        "sdsd": hrv.sdsd_ms(rr_s),
        "nn50": hrv.nn50(rr_s),
        "pnn50": hrv.pnn50_pct(rr_s),
    }


def _hrv_spectrum(given: Given) -> Values:
    t_s = np.arange(int(given["fs"] * given["seconds"])) / given["fs"]
    nn_ms = sum(size * np.sin(2 * np.pi * hz * t_s) for size, hz in given["sines"])
    powers = hrv_spectrum.of_tachogram(np.asarray(nn_ms), given["fs"])
    return {
        "lf": powers.lf_ms2,
        "hf": powers.hf_ms2,
        "ratio": powers.ratio,
        "lf_nu": powers.lf_nu,
        "hf_nu": powers.hf_nu,
    }


def _qtc(given: Given) -> Values:
    both = (given["qt_ms"], 60 / given["rate_bpm"])
    return {
        "bazett": qtc.bazett_ms(*both),
        "fridericia": qtc.fridericia_ms(*both),
        "framingham": qtc.framingham_ms(*both),
        "hodges": qtc.hodges_ms(*both),
    }


def _glucose_range(given: Given) -> Values:
    ranges = glucose_range.Ranges.of(given["values_mgdl"])
    names = ("tbr2", "tbr1", "tir", "tar1", "tar2")
    shares = dict(zip(names, ranges.percent(), strict=True))
    return {**shares, "mean": ranges.mean_mgdl, "cv": ranges.cv_pct}


def _oxygen_dips(given: Given) -> Values:
    trace = np.full(given["seconds"], given["level_pct"])
    at = given["first_s"]
    for count, depth, seconds in given["dips"]:
        for _ in range(count):
            trace[at : at + seconds] -= depth
            at += given["every_s"]
    night = OXYGEN_DIPS.count(trace.tolist())
    return {
        "odi3": night.odi3_per_h,
        "odi4": night.odi4_per_h,
        "below_90_s": night.below_90_s,
        "nadir": night.nadir_pct,
    }


def _af_burden(given: Given) -> Values:
    burden = af_burden(given["episodes_s"], given["analysable_s"])
    return {
        "counted": burden.counted,
        "irregular_s": burden.irregular_s,
        "longest_s": burden.longest_s,
        "burden": burden.pct,
    }


def _runs(given: Given) -> Values:
    seen = runs(given["labels"])
    return {
        "beats": seen.beats,
        "isolated": seen.isolated,
        "couplets": seen.couplets,
        "short_runs": seen.short,
        "long_runs": seen.long,
        "ventricular": seen.ectopic,
        "burden": seen.pct,
    }


def _orphanidou(given: Given) -> Values:
    beats_s = given["first_s"] + given["rr_s"] * np.arange(given["beats"])
    least = {"ecg": quality.ECG_SIMILARITY, "ppg": quality.PPG_SIMILARITY}[given["of"]]
    return {"acceptable": quality.orphanidou(beats_s, given["alike"], least)}


def _cinc2017(given: Given) -> Values:
    f1, mean = scores.cinc2017(given["counts"])
    names = ("f1_normal", "f1_af", "f1_other", "f1_noise")
    return {**dict(zip(names, f1, strict=True)), "score": mean}


def _bxb_matrix(given: Given) -> Values:
    matrix = Matrix(given)
    q_tp, q_fp, q_fn = matrix.qrs()
    tp, fp, fn, tn = matrix.ectopic("V")
    return {
        "qrs_se": 100 * q_tp / (q_tp + q_fn),
        "qrs_ppv": 100 * q_tp / (q_tp + q_fp),
        "veb_se": 100 * tp / (tp + fn),
        "veb_ppv": 100 * tp / (tp + fp),
        "veb_fpr": 100 * fp / (fp + tn),
    }


def _bxb_pairs(given: Given) -> Values:
    tp, fp, fn, _ = match(given["reference"], given["test"], given["window"])
    return {"tp": tp, "fp": fp, "fn": fn}


def _night_signal(given: Given) -> Values:
    medians, alerts = night_signal(given["nights"])
    return {"medians": medians, "alerts": alerts}


def _boundaries(given: Given) -> Values:
    return {"met": RULES.get(given["rule"], _nothing)(given)}


def _af_episode(given: Given) -> bool:
    return af_burden([(0.0, given["seconds"])], 3600.0).counted == 1


def _pause(given: Given) -> bool:
    """Tell whether the detector flags an interval between good beats."""
    state, _ = pause.DETECTOR.step(
        pause.DETECTOR.start(), Beat("beat", "chest/ecg", 0.0, None, good=True, label="N")
    )
    beat = Beat("beat", "chest/ecg", given["rr_s"], given["rr_s"], good=True, label="N")
    return any(f.severity == "amber" for f in pause.DETECTOR.step(state, beat)[1])


def _in_a_row(rr_s: Sequence[float]) -> list[Finding]:
    """Return what is told of ventricular beats with these intervals between them."""
    state, told, at = ventricular_run.DETECTOR.start(), [], 0.0
    for i, rr in enumerate((0.8, *rr_s)):
        at += rr
        beat = Beat("beat", "chest/ecg", at, rr if i else None, good=True, label="V")
        state, new = ventricular_run.DETECTOR.step(state, beat)
        told += new
    return told


def _ventricular_tachycardia(given: Given) -> bool:
    return bool(_in_a_row([given["rr_s"]] * (given["beats"] - 1)))


def _sustained(given: Given) -> bool:
    """Tell whether a run of this length is red; its last interval makes up the odd tenth."""
    whole, rr_s = int(given["seconds"] / 0.5), 0.5
    rest_s = given["seconds"] - whole * rr_s
    told = _in_a_row([rr_s] * whole + [rest_s] * (rest_s > 1e-9))
    return any(f.severity == "red" for f in told)


def _extreme(rule: extremes.Rule) -> Callable[[Given], bool]:
    def met(given: Given) -> bool:
        """Tell whether so many equal intervals between good beats are an episode."""
        rr_s = given["rr_s"]
        beats = [
            Beat("beat", "chest/ecg", i * rr_s, rr_s if i else None, good=True)
            for i in range(given.get("intervals", 1) + 1)
        ]
        return bool(extremes.episodes(beats, rule))

    return met


RULES: Mapping[str, Callable[[Given], bool | None]] = {
    "af_episode": _af_episode,
    "pause": _pause,
    "extreme_bradycardia": _extreme(extremes.EXTREME_BRADYCARDIA),
    "extreme_tachycardia": _extreme(extremes.EXTREME_TACHYCARDIA),
    "asystole": _extreme(extremes.ASYSTOLE),
    "ventricular_tachycardia": _ventricular_tachycardia,
    "sustained": _sustained,
}

SECTIONS: Mapping[str, Callable[[Given], Values | None]] = {
    "news2": _news2,
    "news2_chart": _news2_chart,
    "hrv": _hrv,
    "hrv_spectrum": _hrv_spectrum,
    "qtc": _qtc,
    "glucose_range": _glucose_range,
    "gmi": lambda given: {"gmi": glucose_range.gmi_pct(given["mean_mgdl"])},
    "glucose_units": lambda given: {"mmol_per_l": glucose_range.mmol_per_l(given["mgdl"])},
    "temperature_units": lambda given: {"fahrenheit": temperature.fahrenheit(given["celsius"])},
    "oxygen_dips": _oxygen_dips,
    "af_burden": _af_burden,
    "runs": _runs,
    "orphanidou": _orphanidou,
    "cinc2015": lambda given: {"score": scores.cinc2015(**given)},
    "cinc2017": _cinc2017,
    "bxb_matrix": _bxb_matrix,
    "bxb_pairs": _bxb_pairs,
    "night_signal": _night_signal,
    "boundaries": _boundaries,
}
