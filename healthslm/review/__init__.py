"""What a clinician sees: records in; text, SVG or JSON out.

Pure. `timeline` and `screen` load no NumPy; `strips`, which draws raw samples,
does, and is the one module here that may hold them.
"""
