"""Stretches of samples that were read, and that were not."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from healthslm.signals.runs import UNREAD_MV, finite_runs, runs

samples = st.lists(st.sampled_from([0.0, 1.5, np.nan, UNREAD_MV]), min_size=1, max_size=12)


@given(samples)
def test_nothing_is_lost_and_no_stretch_holds_both(values):
    x = np.array(values)
    for parts, read in (
        (list(finite_runs(x)), np.isfinite),
        ([part for part, _ in runs(x)], lambda v: np.abs(v) < UNREAD_MV),
    ):
        np.testing.assert_array_equal(np.concatenate(parts), x)
        kinds = [set(read(part).tolist()) for part in parts]
        assert all(len(kind) == 1 for kind in kinds)
        assert all(a != b for a, b in pairwise(kinds))


@given(samples)
def test_an_ecg_s_stretch_says_whether_it_was_read(values):
    for part, readable in runs(np.array(values)):
        assert readable == bool((np.abs(part) < UNREAD_MV).all())
