"""How strong beats are here, and how calm it is between them: what a peak is compared with."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from healthslm.signals.quality import quantile
from healthslm.signals.slopes import CALM, STRONG
from healthslm.stage import FloatArray

_PAST, NEXT = 8, 2  # seconds whose strongest energies make the level
_RANK = 0.7  # the fourth highest of these: below 30/min most seconds hold no beat
MEMORY = 30  # seconds whose level still counts a sixteenth


def levels(seconds: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return level and noise, mV², of every second but the first `MEMORY` and the last `NEXT`.

    Seconds without a sample are NaN and do not count.
    """
    n = seconds.shape[1] - MEMORY - NEXT
    around = sliding_window_view(seconds[: CALM + 1, MEMORY - _PAST :], _PAST + 1 + NEXT, axis=1)[
        :, :n
    ]
    before = sliding_window_view(seconds[STRONG], MEMORY + 1)[:n]
    strong, calm = quantile(around[STRONG], _RANK), quantile(around[CALM], _RANK)
    return np.fmax(strong, quantile(before, 0.5) / 16), calm
