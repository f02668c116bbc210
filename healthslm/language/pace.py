"""What a model takes on this machine: time for a prompt, time for a token, memory."""

from __future__ import annotations

import json
import time
from pathlib import Path
from statistics import median

import numpy as np

from healthslm.language.decoder import Decoder
from healthslm.language.seal import GRAPH, MANIFEST

PROMPT, TEXT, ROUNDS = 300, 64, 5  # tokens, tokens, times; a model with less room takes less


def measure(folder: Path, threads: int = 1) -> dict[str, float]:
    """Return the speed and the memory of the model in `folder`, medians over some rounds.

    Prompt and text are drawn at random: what is read makes no difference to the time.
    """
    before = _memory_mb("VmRSS")
    started = time.perf_counter()
    decoder = Decoder(folder / GRAPH, threads, spin=threads > 1)
    load_s = time.perf_counter() - started
    room = decoder.context
    prompt, text = min(PROMPT, 2 * room // 3), min(TEXT, room // 3)
    draw = np.random.default_rng(0)
    tokens = draw.integers(0, decoder.vocabulary, prompt + text).tolist()
    first_s, each_s = [], []
    for _ in range(ROUNDS):
        decoder.rewind()
        first_s.append(_timed(decoder, tokens[:prompt]))
        each_s += [_timed(decoder, [token]) for token in tokens[prompt:]]
    weights = sum(path.stat().st_size for path in folder.glob(f"{GRAPH}*"))
    manifest = json.loads((folder / MANIFEST).read_bytes())
    return {
        "decode_tokens_per_s": round(1 / median(each_s), 1),
        "prefill_tokens_per_s": round(prompt / median(first_s), 1),
        "prompt_tokens": prompt,
        "first_token_ms": round(1000 * median(first_s), 1),
        "load_ms": round(1000 * load_s, 1),
        "bits_per_weight": round(8 * weights / manifest["parameters"], 2),
        "rss_mb": round(_memory_mb("VmHWM") - before, 1),
    }


def _timed(decoder: Decoder, tokens: list[int]) -> float:
    before = time.perf_counter()
    decoder.read(tokens)
    return time.perf_counter() - before


def _memory_mb(name: str) -> float:
    """Return a figure of this process's memory: what it holds, or the most that it held."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) / 1024
