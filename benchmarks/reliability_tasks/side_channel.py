"""What the sizes of a store tell of the heart and of movement, to who has no key.

An observer reads the database after each commit: how many rows came, under which keys (`rows`,
and those of the two keys with most of them), how many rows the state has, and how many pages
the write-ahead log grew by. The daemon's rules decide what is committed when, with the default
configuration and the real pipeline's state (`benchmarks/streams.py`).

The area under the ROC curve says how well one such size, the best of them, tells the half of the
commits with the higher heart rate (`auc_rate`) or more movement (`auc_activity`) from the other:
0.5 is not at all, 1 always. `..._minute` is of a minute's mean, which sees through the jitter of
single commits. There data are fewer: `chance_...` is what the best size gives in 99 of 100 cases
when it is moved against the labels, and the goal is no lower than that. The first ten minutes are
left out, in which the state grows whatever the person does.

- `control_auc`: the same of the compressed size of one stream's frames, unpadded. It proves that
  there is something to hide.
- `auc_finding_timing`, `auc_finding_rows`: a finding is committed at once; how well the time since
  the commit before, or a size, tells commits that hold one from others. No goal: it is the price
  of telling at once, and docs/threat-model.md says so. NaN where there was no finding.

`n` is the minutes of the simulated person. Where HEALTHSLM_DATA is set, real people follow.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

from benchmarks import streams
from benchmarks.data import Missing
from benchmarks.streams import Commit, Worn
from healthslm import vault
from healthslm.bench import Goal, Result
from healthslm.recordings.tracks import FloatArray
from healthslm.vault import codec

MINUTES = 480
WARM_S = 600.0
MINUTE_S = 60.0
MOST = 0.55
LABELS = {"rate": "rate_per_min", "activity": "activity_g"}
WAL_HEADER, WAL_FRAME = 32, 24 + 4096  # https://www.sqlite.org/fileformat2.html, section 4.1


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What was to be seen of each commit, and what it held. Arrays of shape (commits,)."""

    at_s: FloatArray  # since the recording began
    sizes: Mapping[str, FloatArray]
    told: FloatArray  # 1 where it held a finding
    unpadded: Mapping[str, FloatArray]  # mean compressed bytes of a frame, by lane


def measure(seed: int, n: int) -> list[Result]:
    """Return the figures of a simulated person, and of each real data set that is there."""
    minutes = n or MINUTES
    results = [_result("simulated", f"seed {seed}", streams.simulated(seed, minutes), seed)]
    root = os.environ.get("HEALTHSLM_DATA")
    for name in ("stress_predict_e4", "troika") if root else ():
        try:
            people = list(streams.real(Path(str(root)), name))
        except Missing:
            continue
        results.append(_result(name, "dev", streams.joined(people), seed))
    return results


def _result(dataset: str, split: str, worn: Worn, seed: int) -> Result:
    seen = watched(worn, seed)
    metrics: dict[str, float] = {"commits": float(len(seen.at_s))}
    goals: dict[str, Goal] = {"control_auc": (">=", 0.8)}
    controls = []
    for name, field in LABELS.items():
        known, high = _labels(seen, getattr(worn, field), 5.0)
        metrics[f"auc_{name}"] = max(auc(x[known], high) for x in seen.sizes.values())
        controls += [auc(x[known], high) for x in seen.unpadded.values()]
        goals[f"auc_{name}"] = ("<=", MOST)
        found, chance = _by_minute(seen, getattr(worn, field))
        metrics |= {f"auc_{name}_minute": found, f"chance_{name}": chance}
        goals[f"auc_{name}_minute"] = ("<=", max(MOST, chance))
    metrics["control_auc"] = max(controls)
    told = seen.told > 0
    metrics["findings"] = float(told.sum())
    metrics["auc_finding_timing"] = auc(np.diff(seen.at_s, prepend=0.0), told)
    metrics["auc_finding_rows"] = max(auc(x, told) for x in seen.sizes.values())
    return Result("side_channel", dataset, split, metrics, goals)


def watched(worn: Worn, seed: int) -> Seen:
    """Commit everything to a store, and note what it shows."""
    rng, sizes, held = np.random.default_rng([seed, 3]), list[dict[str, int]](), list[Commit]()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "store")
        t0_s = worn.recording.t0_s
        vault.create(folder, "of a benchmark", now_s=t0_s, profile=vault.PROFILES["cheapest"])
        with vault.Store.open(folder) as store:
            look = observer(folder / "vault.db")
            next(look)
            for commit in streams.commits(worn.recording, rng):
                store.commit(commit.frames, commit.derived, commit.state, now_s=commit.at_s)
                sizes.append(next(look))
                held.append(commit)
    lanes = {frame.name for commit in held for frame in commit.frames}
    return Seen(
        np.array([commit.at_s for commit in held]) - t0_s,
        {name: np.array([size[name] for size in sizes], float) for name in sizes[0]},
        np.array([float(commit.told) for commit in held]),
        {lane: np.array([_bytes(commit, lane) for commit in held]) for lane in sorted(lanes)},
    )


def observer(database: Path) -> Iterator[dict[str, int]]:
    """Yield what changed in a database since the last look, without a key."""
    newest, wal = 0, Log(database.with_name(f"{database.name}-wal"))
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        while True:
            rows = db.execute("SELECT id, key_id FROM row WHERE id > ?", (max(newest, 2047),))
            new = rows.fetchall()
            newest = max((row_id for row_id, _ in new), default=newest)
            by_key = [count for _, count in Counter(key for _, key in new).most_common()]
            first, second = [*by_key, 0, 0][:2]
            (state,) = db.execute("SELECT count(*) FROM row WHERE id < 64").fetchone()
            yield {
                "rows": len(new),
                "first": first,
                "second": second,
                "state": state,
                "pages": wal.grown(),
            }


class Log:
    """The write-ahead log of a database, looked at from outside."""

    def __init__(self, path: Path) -> None:
        self._path, self._salt, self._frames = path, b"", 0

    def grown(self) -> int:
        """Return how many pages were written since the last look."""
        with self._path.open("rb") as file:
            salt = file.read(WAL_HEADER)[16:24]
            if not salt:
                return 0
            if salt != self._salt:  # begun anew after a checkpoint
                self._salt, self._frames = salt, 0
            before = self._frames
            while True:
                file.seek(WAL_HEADER + self._frames * WAL_FRAME + 8)
                if file.read(8) != salt:  # the end, or what is left of an older round
                    return self._frames - before
                self._frames += 1


def auc(sizes: FloatArray, high: FloatArray) -> float:
    """Return the area under the ROC curve, whichever way round it tells more."""
    high = np.asarray(high, bool)
    ones, zeros = int(high.sum()), int((~high).sum())
    if not ones or not zeros:
        return float("nan")
    area = (rankdata(sizes)[high].sum() - ones * (ones + 1) / 2) / (ones * zeros)
    return float(max(area, 1 - area))


def _labels(seen: Seen, seconds: FloatArray, span_s: float) -> tuple[FloatArray, FloatArray]:
    """Return which commits have a label, and of those, which are above the median."""
    total = np.concatenate([[0.0], np.cumsum(np.nan_to_num(seconds))])
    count = np.concatenate([[0], np.cumsum(~np.isnan(seconds))])
    end = np.clip(seen.at_s.astype(int), 1, len(seconds))
    begin = np.clip(end - int(span_s), 0, None)
    held = count[end] - count[begin]
    known = (held > 0) & (seen.at_s >= WARM_S)
    mean = (total[end] - total[begin])[known] / held[known]
    return known, mean > np.median(mean)


def _by_minute(seen: Seen, seconds: FloatArray) -> tuple[float, float]:
    """Return the best area of a minute's mean size, and what chance makes of that size."""
    minutes = np.arange(WARM_S // MINUTE_S, len(seconds) // MINUTE_S).astype(int)
    level = np.array([np.mean(seconds[60 * m : 60 * m + 60]) for m in minutes])
    at = (seen.at_s // MINUTE_S).astype(int)
    kept = [m for m, x in zip(minutes, level, strict=True) if (at == m).any() and not np.isnan(x)]
    level = level[np.isin(minutes, kept)]
    high = level > np.median(level)
    means = [np.array([x[at == m].mean() for m in kept]) for x in seen.sizes.values()]
    best = max(means, key=lambda x: auc(x, high))
    shifted = [auc(np.roll(best, by), high) for by in range(5, len(high) - 5)]
    return auc(best, high), float(np.quantile(shifted, 0.99)) if shifted else float("nan")


def _bytes(commit: Commit, lane: str) -> float:
    blocks: Sequence[int] = [
        len(codec.pack_samples(bytes(f.samples))) for f in commit.frames if f.name == lane
    ]
    return float(np.mean(blocks)) if blocks else 0.0
