"""Ventricular beats told from others, at the beats that our own detector finds.

Counted as EC57 and bxb do (`healthslm.validate.ventricular`): recordings with paced beats,
the first five minutes and ventricular flutter left out; false are Nv, Sv and Ov.

On the development split, which the trees were learnt from, what is judged is the figure with
one recording left out at a time (`models/beats/loso.json`, written by the recipe), and the
trees as they are shipped are told as `..._shipped`. On any other split they are judged.
"""

from __future__ import annotations

import json

from benchmarks.data import Data
from benchmarks.peers import Peers
from healthslm import validate
from healthslm.bench import Result
from healthslm.resources import resource

LEARNT_ON = "dev"
GOALS = {"se": (">=", 90.0), "ppv": (">=", 90.0)}
SHARES = ("se", "ppv", "f1")


def measure(data: Data, peers: Peers | None) -> list[Result]:
    """Return the figures of the whole detector; no peer tells classes of beats."""
    frame = validate.ventricular(data.mitdb())
    gross = validate.gross(frame)
    shipped = {name: gross[name] for name in SHARES}
    more = {"fpr": gross["fpr"], "s_se": gross["s_se"], "s_ppv": gross["s_ppv"]}
    more |= {"records": float(len(frame)), "reference": float(gross["tp"] + gross["fn"])}
    if data.split == LEARNT_ON:
        held = json.loads((resource("models/beats") / "loso.json").read_text())["gross"]
        judged = {name: held[name] for name in SHARES}
        more |= {f"{name}_shipped": value for name, value in shipped.items()}
    else:
        judged = shipped
    return [Result("ventricular", "mitdb", data.split, judged | more, GOALS)]
