"""Measurements beside peers; nothing here is installed."""
