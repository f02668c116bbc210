"""MobileLLM-350M in 8 bits on two threads, beside llama.cpp Q8_0.

The setting for whoever imports a larger model and wants it near to the original: bandwidth
bounds it, and both keep about as many bits.
"""

from __future__ import annotations

from typing import Any

from benchmarks import decode
from healthslm.bench import Result

SETTING = decode.Setting(
    task="decode_350m",
    size="350m",
    bits=8,
    threads=2,
    gguf="Q8_0",
    genai=False,
    goals={"ratio_llama": (">=", 1.3)},
)


def measure(seed: int, n: int, peers: Any) -> list[Result]:
    """Return the figures; `n` is the number of rounds, `peers` the others' Python or None."""
    return decode.measure(SETTING, seed, n, peers)
