"""Annotation files in MIT format (`.atr`): what an annotator says of each beat.

Written from annot(5) of the WFDB Applications Guide,
https://physionet.org/physiotools/wag/. Subtypes, channels and numbers are read over.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from healthslm.errors import RecordingError
from healthslm.recordings.tracks import Marks

MAX_BYTES = 16 * 1024 * 1024  # a day of beats is 0.3 MB
MAX_SAMPLE = 2**40  # 34 years at 1 kHz

BEATS = frozenset("NLRBAaJSVrFejnE/fQ?")
"""Mnemonics that stand for a beat (ecgcodes.h); flutter waves ("!") are not counted as such."""

# ecgcodes.h: mnemonic of each annotation code; "." where a code is not assigned.
_MNEMONICS = '.NLRaVFJASEj/Q~.|.sT*D"=pB^t+u?![]en@xf()r'

_RESOLUTION = re.compile(r"## time resolution: (\d{1,9}(?:\.\d{1,9})?)")


def read_marks(path: Path, fs: float) -> Marks:
    """Read an annotation file in MIT format.

    Parameters
    ----------
    fs
        Hz; the rate that `Marks.samples` count in. A file that states a time resolution of
        its own is converted to it.

    Raises
    ------
    RecordingError
        The file is torn, or its times run beyond all bounds.
    """
    if path.stat().st_size > MAX_BYTES:
        raise RecordingError(f"{path.name}: the annotation file is too long")
    data = path.read_bytes()
    try:
        times, codes, aux = _parse_annotations(data)
    except (IndexError, ValueError) as error:
        raise RecordingError(f"{path.name}: a damaged annotation file") from error
    resolution = next(
        (
            m
            for code, a in zip(codes, aux, strict=True)
            if code == 22 and (m := _RESOLUTION.match(a))
        ),
        None,
    )
    samples = np.array(times, np.int64)
    if resolution and 0 < float(resolution[1]) <= 1e6:
        samples = np.rint(samples * (fs / float(resolution[1]))).astype(np.int64)
    symbols = tuple(_MNEMONICS[c] if c < len(_MNEMONICS) else "." for c in codes)
    return Marks(samples, symbols, tuple(aux))


def _parse_annotations(data: bytes) -> tuple[list[int], list[int], list[str]]:
    """Return times, codes and aux strings: 16-bit words of a 6-bit code and a 10-bit step."""
    words: NDArray[np.uint16] = np.frombuffer(data, "<u2", count=len(data) // 2)
    steps, kinds = (words & 0x3FF).tolist(), (words >> 10).tolist()
    times: list[int] = []
    codes: list[int] = []
    aux: list[str] = []
    at = time = 0
    while at < len(kinds):
        code, step = kinds[at], steps[at]
        at += 1
        if code == 0 and step == 0:
            break
        if code == 59:  # SKIP: a step of 32 bits follows, high word first
            high, low = int(words[at]), int(words[at + 1])
            time += (high << 16 | low) - (1 << 32 if high & 0x8000 else 0)
            at += 2
        elif code == 63:  # AUX: text of `step` bytes, padded to a whole word
            text = data[2 * at : 2 * at + step]
            if len(text) < step or not aux:
                raise ValueError("aux text")
            aux[-1] = text.rstrip(b"\0").decode("latin-1")
            at += (step + 1) // 2
        elif code < 50:
            time += step
            if not 0 <= time <= MAX_SAMPLE:
                raise ValueError("time of an annotation")
            times.append(time)
            codes.append(code)
            aux.append("")
        elif code not in (60, 61, 62):  # NUM, SUB, CHN: not used here
            raise ValueError("annotation code")
    return times, codes, aux
