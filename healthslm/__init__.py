"""Private health monitoring: streams in, findings, sealed storage, plain words out."""

__version__ = "0.1.0"
