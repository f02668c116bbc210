"""The words for a period, from what the store holds of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from healthslm import config as configuration
from healthslm import days
from healthslm.language import facts, writer

if TYPE_CHECKING:
    from healthslm.config import Config
    from healthslm.records import Summary
    from healthslm.vault.store import Store

USUAL_DAYS = 7  # before the one told: what is usual for this person


def write(config: Config, store: Store, t0_s: float, t1_s: float) -> Summary:
    """Return the words for a period, told against the days before it."""
    person, folder = config.person, config.model.folder
    zone, spans = person.timezone, [(t0_s, t1_s)]
    for _ in range(USUAL_DAYS):
        spans.append((days.day_before_s(spans[-1][0], zone), spans[-1][0]))
    earlier: list[facts.Facts] = []
    for span in reversed(spans):  # the newest is told by what was usual before
        told = facts.gather(store.derived(*span), *span, zone=zone, earlier=earlier)
        earlier = [*earlier, told]
    model = Path(folder) if folder else configuration.resource("models/mini")
    return writer.summarise(told, person.language, model, emergency=person.emergency_number).summary
