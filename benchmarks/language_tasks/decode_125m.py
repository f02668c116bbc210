"""MobileLLM-125M in 4 bits on one thread, beside llama.cpp Q4_0 and onnxruntime-genai int4.

One thread, because that is what a summary gets on the board. Ours has blocks of 64, llama.cpp
of 32 and its embedding in 6 bits, genai of 32: bits per weight and the error of a logit stand
beside each speed. Memory is what the process held at most beyond its packages.
"""

from __future__ import annotations

from typing import Any

from benchmarks import decode
from healthslm.bench import Result

SETTING = decode.Setting(
    task="decode_125m",
    size="125m",
    bits=4,
    threads=1,
    gguf="Q4_0",
    genai=True,
    goals={
        "ratio_llama": (">=", 1.2),
        "ratio_genai": (">=", 1.2),
        "ttft_ratio_llama": (">=", 1.3),
        "rss_ratio_llama": ("<=", 1.0),
    },
)


def measure(seed: int, n: int, peers: Any) -> list[Result]:
    """Return the figures; `n` is the number of rounds, `peers` the others' Python or None."""
    return decode.measure(SETTING, seed, n, peers)
