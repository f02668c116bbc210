"""What the bundled model costs: its file, the time to load it, its memory, a summary.

`file_mb` of 10^6 bytes; `load_ms`: from the folder, hashes included, to a model that can answer;
`rss_mb`: the child's
largest memory over that of a child that has loaded Python, NumPy and onnxruntime and no model;
`summary_p95_ms`: CPU of a text in the running child, one thread. Wall times are CPU times.
"""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median

from benchmarks.invented import cases
from benchmarks.judged import model
from healthslm.bench import Goal, Result
from healthslm.language import slm, writer
from healthslm.language.plan import plan
from healthslm.language.script import script
from healthslm.resources import resource

_BARE = """
import numpy, onnxruntime
from healthslm.language import slm
with open("/proc/self/status") as status:
    print(slm.peak_mb(status))
"""


def measure(seed: int, n: int, peers: object) -> list[Result]:
    """Return the figures over 200 days at most."""
    folder = resource("models/mini")
    loads, times, rss = [], [], []
    for _ in range(9):
        before = time.process_time()
        slm.Model(folder)
        loads.append(1000 * (time.process_time() - before))
    chooser, tokens = model(), 0
    for case in cases(seed, min(n, 200)):
        what = plan(case.facts(), case.level)
        said = script(what, case.lang, what.day)
        job = slm.parsed(said.job())
        before = time.process_time()
        choices = chooser.answer(job)
        times.append(time.process_time() - before)
        tokens += len(said.text(choices))
    rows = [script(plan(c.facts()), c.lang).job() for c in cases(seed + 1, 8)]
    for _ in range(3):
        bare = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", _BARE], capture_output=True, text=True, check=True
        )
        rss.append(writer.ask(folder, rows, timeout_s=60.0).rss_mb - float(bare.stdout))
    times.sort()
    metrics = {
        "file_mb": (folder / "model.onnx").stat().st_size / 1e6,
        "load_ms": median(loads),
        "rss_mb": median(rss),
        "summary_p50_ms": 1000 * times[len(times) // 2],
        "summary_p95_ms": 1000 * times[len(times) * 95 // 100],
        "tokens_per_s": tokens / sum(times),
    }
    goals: dict[str, Goal] = {
        "file_mb": ("<=", 4.5),
        "load_ms": ("<=", 60.0),
        "rss_mb": ("<=", 35.0),
        "summary_p95_ms": ("<=", 80.0),
    }
    return [Result("mini", "invented days", f"seed {seed}", metrics, goals)]
