"""Power by frequency: where it lies, and that it does not depend on how it is sampled."""

import numpy as np
import pytest

from healthslm.signals.hrv_spectrum import Powers, of_intervals, of_tachogram


def tachogram(fs=4.0, seconds=300, level=800.0, **sines_ms):
    t = np.arange(int(fs * seconds)) / fs
    hz = {"low": 0.1, "high": 0.25}
    return level + sum(a * np.sin(2 * np.pi * hz[k] * t) for k, a in sines_ms.items())


def intervals(seconds=300, **sines_ms):
    t, out = 0.0, []
    hz = {"low": 0.1, "high": 0.25}
    while t < seconds:
        out.append(0.8 + sum(a / 1000 * np.sin(2 * np.pi * hz[k] * t) for k, a in sines_ms.items()))
        t += out[-1]
    return out


def test_a_sine_has_half_its_amplitude_squared_in_its_band() -> None:
    assert of_tachogram(tachogram(low=40), 4.0).lf_ms2 == pytest.approx(800)
    assert of_tachogram(tachogram(low=40), 4.0).hf_ms2 == pytest.approx(0, abs=1e-6)
    assert of_tachogram(tachogram(high=40), 4.0).hf_ms2 == pytest.approx(800)


@pytest.mark.parametrize(("hz", "band"), [(0.04, "lf"), (0.15, "hf"), (0.4, None)])
def test_the_lower_edge_belongs_to_a_band_and_the_upper_does_not(hz, band) -> None:
    """A Hann window spreads a line over three: the middle one has two thirds."""
    t = np.arange(1200) / 4
    powers = of_tachogram(30 * np.sin(2 * np.pi * hz * t), 4.0)
    if band:
        assert getattr(powers, f"{band}_ms2") > 0.8 * 450
    else:
        assert powers.hf_ms2 < 0.2 * 450


def test_a_line_between_two_steps_does_not_leak_into_the_other_band() -> None:
    t = np.arange(1200) / 4
    powers = of_tachogram(100 * np.sin(2 * np.pi * (0.1 + 0.5 / 300) * t), 4.0)
    assert powers.hf_ms2 < 1e-4 * powers.lf_ms2


def test_level_and_sampling_do_not_matter() -> None:
    usual = of_tachogram(tachogram(low=50, high=20), 4.0)
    other = of_tachogram(tachogram(fs=8.0, level=1100.0, low=50, high=20), 8.0)
    assert (other.lf_ms2, other.hf_ms2) == pytest.approx((usual.lf_ms2, usual.hf_ms2))


def test_intervals_as_they_are_give_the_same_within_three_percent() -> None:
    powers = of_intervals(intervals(low=50, high=20))
    assert powers.lf_ms2 == pytest.approx(1250, rel=0.03)
    assert powers.hf_ms2 == pytest.approx(200, rel=0.05)


def test_nothing_that_varies_has_no_power() -> None:
    powers = of_intervals([0.8] * 100)
    assert (powers.lf_ms2, powers.hf_ms2) == (0, 0)
    assert np.isnan(powers.ratio)
    assert np.isnan(powers.lf_nu)


def test_normalised_units_are_shares_of_both_bands() -> None:
    powers = Powers(300.0, 100.0)
    assert (powers.lf_nu, powers.hf_nu, powers.ratio) == (75, 25, 3)


@pytest.mark.parametrize("rr_s", [[], [0.8, 0.8], [0.8, 0.8, 0.0], [0.8, float("nan"), 0.8]])
def test_what_are_no_intervals_is_refused(rr_s) -> None:
    with pytest.raises(ValueError, match="three intervals"):
        of_intervals(rr_s)
