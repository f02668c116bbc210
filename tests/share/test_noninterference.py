"""What differs by less than a report tells leaves no trace in it; nor does its size."""

import pytest

from benchmarks.reliability_tasks import noninterference as task
from healthslm.share import envelope

from .given import DAY, day, opened, release, written


def test_raw_inputs_that_differ_below_the_rounding_give_the_same_plaintext() -> None:
    (result,) = task.measure(seed=3, n=3)
    assert result.metrics["pairs"] == 3
    assert result.holds, result.metrics


def test_the_size_does_not_depend_on_how_much_was_recorded() -> None:
    few, many = day(), (*day() * 50,)
    assert len(many) == 50 * len(few)
    one, other = (opened(written(r)) for r in (few, many))
    assert one.signed == other.signed


@pytest.mark.parametrize("times", [1, 2, 20])
def test_a_faster_sensor_makes_no_longer_report(times) -> None:
    records = [x for x in day() for _ in range(times)]
    assert len(envelope.write(records, DAY, release(), 0.0)) == 4096
