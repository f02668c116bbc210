"""Degrees Celsius and degrees Fahrenheit."""


def fahrenheit(degrees_c: float) -> float:
    """Return degrees Fahrenheit.

    >>> [round(fahrenheit(c), 1) for c in (35.0, 36.1, 38.0, 38.1, 39.1)]
    [95.0, 97.0, 100.4, 100.6, 102.4]
    """
    return degrees_c * 9 / 5 + 32


def celsius(degrees_f: float) -> float:
    """Return degrees Celsius.

    >>> round(celsius(100.4), 1)
    38.0
    """
    return (degrees_f - 32) * 5 / 9
