"""Whether the body rests, by whatever sensor tells of its activity."""

from __future__ import annotations

from dataclasses import dataclass, field

from healthslm.detect.lasting import Run
from healthslm.records import Vital


@dataclass(frozen=True, slots=True)
class State:
    """The run under way, and the newest activity."""

    run: Run = field(default_factory=Run)
    activity: Vital | None = None


def moves(activity: Vital | None, t_s: float, *, age_s: float, rest_g: float) -> bool | None:
    """Return whether the person moves at `t_s`; None where nothing young enough tells."""
    if activity is None or t_s - activity.t_s > age_s:
        return None
    return activity.value >= rest_g
