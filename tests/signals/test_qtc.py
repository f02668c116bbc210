"""QT corrected for rate; the exact values are in the clinical vectors."""

import pytest

from healthslm.signals import qtc

FORMULAS = [qtc.bazett_ms, qtc.fridericia_ms, qtc.framingham_ms, qtc.hodges_ms]
every = pytest.mark.parametrize("formula", FORMULAS, ids=lambda f: f.__name__)


@every
def test_at_60_a_minute_nothing_is_corrected(formula) -> None:
    assert formula(412.0, 1.0) == 412


@every
def test_a_fast_heart_shortens_qt_and_a_slow_one_lengthens_it(formula) -> None:
    assert formula(400.0, 0.6) > 400 > formula(400.0, 1.2)
