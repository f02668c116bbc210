"""From payload bytes to samples in physical units, in order, each once."""

from healthslm.ingest.native import decode, encode, named, topic
from healthslm.ingest.order import Intake, Repeat, Taken, Wait
from healthslm.ingest.units import UNITS, physical

__all__ = [
    "UNITS",
    "Intake",
    "Repeat",
    "Taken",
    "Wait",
    "decode",
    "encode",
    "named",
    "physical",
    "topic",
]
