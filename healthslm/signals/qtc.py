"""The QT interval corrected for heart rate: for clinicians' trends, no finding.

A rate that just changed makes every formula wrong by tens of ms: correct with the mean
interval of minutes at rest. Not in atrial fibrillation, not where the QRS is wide.
"""

from __future__ import annotations

from math import cbrt, sqrt

MS = 1000.0


def bazett_ms(qt_ms: float, rr_s: float) -> float:
    """Return QT / sqrt(RR), ms (Bazett 1920, doi:10.1111/j.1542-474X.1997.tb00325.x).

    >>> round(bazett_ms(350, 60 / 100), 1)
    451.8
    """
    return qt_ms / sqrt(rr_s)


def fridericia_ms(qt_ms: float, rr_s: float) -> float:
    """Return QT / cube root of RR, ms (Fridericia 1920, doi:10.1046/j.1542-474X.2003.08413.x).

    >>> round(fridericia_ms(350, 60 / 100), 1)
    415.0
    """
    return qt_ms / cbrt(rr_s)


def framingham_ms(qt_ms: float, rr_s: float) -> float:
    """Return QT + 154 (1 - RR), ms (Sagie 1992, doi:10.1016/0002-9149(92)90562-D).

    >>> round(framingham_ms(350, 60 / 100), 1)
    411.6
    """
    return qt_ms + 0.154 * MS * (1 - rr_s)


def hodges_ms(qt_ms: float, rr_s: float) -> float:
    """Return QT + 1.75 (rate - 60), ms (Hodges 1983, J Am Coll Cardiol 1:694).

    >>> round(hodges_ms(350, 60 / 100), 1)
    420.0
    """
    return qt_ms + 1.75 * (60 / rr_s - 60)
