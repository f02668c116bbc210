"""The respiratory rate from pulses alone, where no ECG is taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from healthslm.signals.respiration_fused import FusedBreathing, State


@dataclass(frozen=True, slots=True)
class PulseBreathing(FusedBreathing):
    """As `FusedBreathing`, for a window of which no ECG says anything; else that one tells it."""

    reads: ClassVar[tuple[str, ...]] = ("breaths_ppg",)
    context: ClassVar[tuple[str, ...]] = (
        "breaths_ecg",
        "breaths_ecg_quality",
        "breaths_ppg_quality",
    )

    def fused(self, state: State) -> float | None:
        """Return the rate in the window under way; None where it is not known or not ours."""
        led = any(v.kind == "breaths_ecg" for v in state.views)
        return None if led else FusedBreathing.fused(self, state)


SIGNAL = PulseBreathing()
