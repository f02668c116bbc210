"""The peers' end of the pipe: runs in `.venv-peers`, imports nothing of ours."""

from __future__ import annotations

import pickle
import sys
import time
import warnings
from importlib.metadata import version

import numpy as np

PACKAGES = ("sleepecg", "wfdb", "neurokit2", "heartpy", "numpy", "scipy")


def sleepecg_qrs(x, fs):
    """sleepecg.detect_heartbeats, C backend."""
    import sleepecg

    return sleepecg.detect_heartbeats(x, fs) / fs


def xqrs(x, fs):
    """wfdb.processing.XQRS."""
    from wfdb.processing import XQRS

    detector = XQRS(sig=x, fs=fs)
    detector.detect(verbose=False)
    return detector.qrs_inds / fs


def gqrs(x, fs):
    """wfdb.processing.gqrs_detect; adc_gain as of MIT-BIH."""
    from wfdb.processing import gqrs_detect

    return (
        gqrs_detect(d_sig=np.round(x * 200).astype(np.int64), fs=fs, adc_gain=200, adc_zero=0) / fs
    )


def neurokit_qrs(x, fs):
    """neurokit2.ecg_peaks as it comes."""
    import neurokit2 as nk

    clean = nk.ecg_clean(x, sampling_rate=int(fs))
    return np.asarray(nk.ecg_peaks(clean, sampling_rate=int(fs))[1]["ECG_R_Peaks"]) / fs


def neurokit_ppg(x, fs):
    """neurokit2.ppg_peaks as it comes (Elgendi)."""
    import neurokit2 as nk

    clean = nk.ppg_clean(x, sampling_rate=int(fs))
    return np.asarray(nk.ppg_findpeaks(clean, sampling_rate=int(fs))["PPG_Peaks"]) / fs


def heartpy_ppg(x, fs):
    """heartpy.process as it comes: beats that it accepts."""
    import heartpy as hp

    working, _ = hp.process(hp.scale_data(x), fs)
    kept = np.asarray(working["binary_peaklist"], bool)
    return np.asarray(working["peaklist"])[kept] / fs


def neurokit_rsp(x, fs):
    """neurokit2.rsp_peaks as it comes: times of breaths."""
    import neurokit2 as nk

    clean = nk.rsp_clean(x, sampling_rate=int(fs))
    return np.asarray(nk.rsp_peaks(clean, sampling_rate=int(fs))[1]["RSP_Peaks"]) / fs


def neurokit_ecg_rsp(x, fs):
    """neurokit2.ecg_rsp as it comes (van Gent), and rsp_peaks of it: times of breaths."""
    import neurokit2 as nk

    fs = int(fs)
    peaks = nk.ecg_peaks(nk.ecg_clean(x, sampling_rate=fs), sampling_rate=fs)[1]["ECG_R_Peaks"]
    rate = nk.ecg_rate(peaks, sampling_rate=fs, desired_length=len(x))
    derived = nk.ecg_rsp(rate, sampling_rate=fs)
    return np.asarray(nk.rsp_peaks(derived, sampling_rate=fs)[1]["RSP_Peaks"]) / fs


METHODS = {
    f.__name__: f
    for f in (
        sleepecg_qrs,
        xqrs,
        gqrs,
        neurokit_qrs,
        neurokit_ppg,
        heartpy_ppg,
        neurokit_rsp,
        neurokit_ecg_rsp,
    )
}


def answer(question):
    """Return a list of (array, CPU seconds), one for each signal."""
    if question["method"] == "versions":
        return {name: version(name) for name in PACKAGES}
    method = METHODS[question["method"]]
    if question["signals"]:  # imports and compilation are not the method's work
        attempt(method, *question["signals"][0], seconds=20)
    return [attempt(method, x, fs) for x, fs in question["signals"]]


def attempt(method, x, fs, seconds=None):
    """Return what a method gives and what it took; nothing where it fails."""
    x = np.asarray(x if seconds is None else x[: int(seconds * fs)], float)
    before = time.process_time()
    try:
        found = np.asarray(method(x, fs), float)
    except Exception:  # noqa: BLE001 - whatever a peer raises, it found nothing
        found = np.empty(0)
    return found, time.process_time() - before


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    reply = sys.stdout.buffer
    sys.stdout = sys.stderr
    reply.write(pickle.dumps(answer(pickle.load(sys.stdin.buffer))))  # noqa: S301 - from our own parent
