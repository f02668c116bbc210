"""What sensors measure themselves."""

import numpy as np
import pytest

from healthslm.records import Chunk, Vital
from healthslm.signals.measured import SIGNAL


def vitals(kind: str, *values: float, start: int = 0) -> tuple[Vital, ...]:
    chunk = Chunk(f"wrist/{kind}", kind, 1000.0, 0.5, start, np.array(values))
    return SIGNAL.step(SIGNAL.start(), chunk)[1]


def test_each_sample_is_a_vital_at_its_time() -> None:
    assert vitals("spo2", 97.0, 96.0, start=10) == (
        Vital("spo2", "wrist/spo2", 1020.0, 97.0),
        Vital("spo2", "wrist/spo2", 1022.0, 96.0),
    )


def test_a_missing_sample_leaves_the_others_where_they_were() -> None:
    assert [v.t_s for v in vitals("temperature", 36.5, np.nan, 36.6)] == [1000.0, 1004.0]


@pytest.mark.parametrize(
    ("kind", "possible", "impossible"),
    [
        ("spo2", (1, 100), (0, 100.1, 127, -1)),
        ("temperature", (10, 47), (9.9, 47.1, 0, 255)),
        ("heart_rate", (10, 350), (0, 9.9, 350.1)),
        ("respiratory_rate", (1, 120), (0, 0.9, 255)),
        ("activity", (0, 32), (-0.01, 32.1)),
    ],
)
def test_what_cannot_be_in_a_living_person_is_dropped(kind, possible, impossible) -> None:
    assert [v.value for v in vitals(kind, *possible)] == list(possible)
    assert vitals(kind, *impossible, np.nan, np.inf, -np.inf) == ()
