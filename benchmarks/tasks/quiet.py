"""What healthy people are told in vain: intervals of nsrdb through every detector.

The beats come as a chest strap would send them: intervals alone, no class, every one good
(the marks "|" of isolated artefacts are left out). Findings are counted before any limit of
rates, each once, with the gravest severity it was told with.
"""

from __future__ import annotations

from collections import Counter

from benchmarks.beats import SILENCE_S, annotated, of_times
from benchmarks.data import Data
from benchmarks.peers import Peers
from healthslm.bench import Result
from healthslm.pipeline import Pipeline
from healthslm.records import Beat, Finding

EPOCH_S = 1_700_000_000.0  # any: the recordings have no date
GRAVEST = ("red", "amber", "info")


def measure(data: Data, peers: Peers | None) -> list[Result]:
    """Return the findings in 24 h of healthy people."""
    told: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    seconds = false_s = 0.0
    for header in sorted(data.folder("nsrdb").glob("*.hea")):
        times, _ = annotated(header)
        seconds += float(times[-1] - times[0])
        for found in told_of(of_times(EPOCH_S + times, "strap/ecg")):
            gravest = min((f.severity for f in found), key=GRAVEST.index)
            told[gravest] += 1
            if gravest != "info":
                kinds[found[-1].kind] += 1
            if found[-1].kind == "irregular_rhythm":
                false_s += found[-1].t1_s - found[-1].t0_s
    days = seconds / 86_400
    metrics = {
        "red": float(told["red"]),
        "amber_per_24h": told["amber"] / days,
        "info_per_24h": told["info"] / days,
        "false_af_h_per_24h": false_s / 3600 / days,
        "hours": seconds / 3600,
        **{f"{kind}_per_24h": n / days for kind, n in sorted(kinds.items())},
    }
    goals = {
        "red": ("<=", 0.0),
        "amber_per_24h": ("<=", 1.0),
        "false_af_h_per_24h": ("<=", 0.02),
    }
    return [Result("quiet", "nsrdb", data.split, metrics, goals)]


def told_of(beats: list[Beat]) -> list[list[Finding]]:
    """Return every finding with all that was told of it, after a silence at the end."""
    line, found = Pipeline(), dict[tuple[str, str, float], list[Finding]]()
    end = Beat("beat", beats[-1].stream, beats[-1].t_s + SILENCE_S, None, good=False)
    for beat in [*beats, end]:
        for x in line.feed(beat):
            if isinstance(x, Finding):
                found.setdefault(x.key, []).append(x)
    return list(found.values())
