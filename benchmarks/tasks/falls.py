"""Falls: staged ones at the waist and at the wrist, and hours of wear without any.

A clip of SisFall or UMAFall ends 5 to 12 s after the fall: the 30 s of stillness that the
detector asks for are not in it. So a clip is judged by the same detector that asks for
`CLIP_STILL_S` only: blow, other posture, first seconds of stillness. That is the stage in which a
fall is possible and nobody is told yet. Se is the share of falls, Sp of other clips, judged
right; more than one in a clip counts once. Hours of wear are judged by the detector as it is,
and every finding counts, also one that only asks.

Nothing here is learnt: the limits are the same for everyone.
"""

from __future__ import annotations

import lzma
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray

from benchmarks.data import Data, Missing
from benchmarks.peers import Peers
from healthslm.bench import Goal, Result
from healthslm.detect.fall import DETECTOR, Fall
from healthslm.records import Chunk, Finding

CLIP_STILL_S = 3.0
SISFALL_HZ = 200.0
SISFALL_G = 32 / 2**13  # ADXL345: +-16 g in 13 bits
E4_G = 1 / 64
FRAME_S = 5.0
T0_S = 1_700_000_000.0


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A recording of one deed."""

    fell: bool
    hz: float  # readings a second
    xyz: NDArray[np.float64]  # shape (n, 3), g


def measure(data: Data, peers: Peers | None) -> list[Result]:
    """Return the figures of the data sets that are there."""
    results = []
    for task in (sisfall, umafall, wear):
        try:
            results.append(task(data))
        except Missing:
            continue
    if not results:
        raise Missing("no sisfall, umafall or stress_predict_e4 in HEALTHSLM_DATA")
    return results


def sisfall(data: Data) -> Result:
    """Return the figures at the waist; raises Missing."""
    metrics = _scores(list(_sisfall_clips(data.folder("sisfall"))), "waist")
    goals: dict[str, Goal] = {"se": (">=", 98.0), "sp": (">=", 98.0)}
    return Result("falls", "sisfall", data.split, metrics, goals)


def umafall(data: Data) -> Result:
    """Return the figures at the wrist, and at the waist beside them; raises Missing."""
    folder = data.folder("umafall")
    metrics = _scores(list(_umafall_clips(folder, "WRIST")), "wrist")
    waist = _scores(list(_umafall_clips(folder, "WAIST")), "waist")
    metrics |= {f"{name}_waist": waist[name] for name in ("se", "sp")}
    goals: dict[str, Goal] = {"se": (">=", 92.0), "sp": (">=", 92.0)}
    return Result("falls", "umafall", data.split, metrics, goals)


def wear(data: Data) -> Result:
    """Count what is told in hours of wear without a fall; raises Missing."""
    hours, told, possible = 0.0, 0, 0
    for path in sorted(data.folder("stress_predict_e4").glob("*_ACC.csv.xz")):
        with lzma.open(path, "rt") as lines:
            table = np.loadtxt(lines, delimiter=",")
        hz, xyz = float(table[1, 0]), table[2:] * E4_G
        hours += len(xyz) / hz / 3600
        told += len({f.key for f in _findings(DETECTOR, "wrist", hz, xyz)})
        short = replace(DETECTOR, still_s=CLIP_STILL_S)
        possible += len({f.key for f in _findings(short, "wrist", hz, xyz)})
    metrics = {
        "false_alarms": float(told),
        "false_alarms_per_h": told / hours if hours else np.nan,
        "possible_per_h": possible / hours if hours else np.nan,
        "hours": hours,
    }
    goals: dict[str, Goal] = {"false_alarms": ("<=", 0.0)}
    return Result("falls", "stress_predict_e4", data.split, metrics, goals)


def _scores(clips: list[Clip], device: str) -> dict[str, float]:
    stage = replace(DETECTOR, still_s=CLIP_STILL_S)
    said = [bool(_findings(stage, device, clip.hz, clip.xyz)) for clip in clips]
    falls = [s for s, clip in zip(said, clips, strict=True) if clip.fell]
    others = [not s for s, clip in zip(said, clips, strict=True) if not clip.fell]
    return {
        "se": 100.0 * float(np.mean(falls)) if falls else np.nan,
        "sp": 100.0 * float(np.mean(others)) if others else np.nan,
        "falls": float(len(falls)),
        "others": float(len(others)),
    }


def _findings(stage: Fall, device: str, hz: float, xyz: NDArray[np.float64]) -> list[Finding]:
    """Return what a stage finds when the readings come in frames, as they do from a sensor."""
    state, found = stage.start(), list[Finding]()
    numbers, size = xyz.ravel(), 3 * round(FRAME_S * hz)
    for i in range(0, len(numbers), size):
        chunk = Chunk(
            f"{device}/acceleration", "acceleration", T0_S, 3 * hz, i, numbers[i : i + size]
        )
        state, new = stage.step(state, chunk)
        found += new
    return found


def _texts(folder: Path, suffix: str) -> Iterator[tuple[str, str]]:
    """Yield name and text of every file in the zips of a folder, one zip for each person."""
    for path in sorted(folder.glob("*.zip")):
        with ZipFile(path) as archive:
            for name in sorted(n for n in archive.namelist() if n.endswith(suffix)):
                yield PurePosixPath(name).name, archive.read(name).decode("latin-1")


def _sisfall_clips(folder: Path) -> Iterator[Clip]:
    for name, text in _texts(folder, ".txt"):
        if name[0] in "DF":
            rows = [line.strip(" ;\r").split(",")[:3] for line in text.splitlines() if "," in line]
            yield Clip(name[0] == "F", SISFALL_HZ, np.array(rows, float) * SISFALL_G)


def _umafall_clips(folder: Path, position: str) -> Iterator[Clip]:
    """Yield the accelerations of one of five sensors; its number stands in the header."""
    for name, text in _texts(folder, ".csv"):
        lines = text.splitlines()
        header = (line[1:].split(";") for line in lines if line.startswith("%"))
        ids = [h[1].strip() for h in header if len(h) == 4 and h[2].strip() == position]
        rows = [line.split(";")[:7] for line in lines if line[:1].isdigit()]
        xyz = np.array([r[2:5] for r in rows if r[5] == "0" and r[6:] == ids], float)
        t_ms = [float(r[0]) for r in rows if r[5] == "0" and r[6:] == ids]
        if len(t_ms) > 1:  # Bluetooth: readings come in even steps, their times do not
            yield Clip("_Fall_" in name, round(1000 * len(t_ms) / (t_ms[-1] - t_ms[0])), xyz)
