"""What the vault's tests put in."""

import random
import struct
import time
from pathlib import Path

from healthslm import vault
from healthslm.records import Beat, Finding, Frame, Gap, Summary, Vital

T0 = 1_700_000_000.0
DAY = 86_400.0
PASSPHRASE = "ein Löffel Zucker"  # noqa: S105 - of the tests
CHEAPEST = vault.PROFILES["cheapest"]


def new_store(folder: Path, now_s: float = T0) -> Path:
    vault.create(folder, PASSPHRASE, now_s=now_s, profile=CHEAPEST)
    return folder


def frame(
    seq: int = 0, stream: str = "ecg", t_s: float = T0, samples: bytes | None = None
) -> Frame:
    """Return five seconds of a noisy wave."""
    if samples is None:
        noise = random.Random(seq)
        wave = [int(300 * (i % 200 < 8)) + noise.randrange(-12, 12) for i in range(1250)]
        samples = struct.pack("<1250h", *wave)
    return Frame("chest", stream, 1, seq, seq * 1250, t_s, 250.0, "mV", 0.005, 0.0, samples, 0)


def vital(t_s: float = T0, value: float = 97.0) -> Vital:
    return Vital("spo2", "wrist/spo2", t_s, value)


EVERY_KIND = (
    Beat("beat", "chest/ecg", T0 + 1, None, True),
    Beat("pulse", "wrist/ppg", T0 + 2, 0.8125, False),
    vital(T0 + 3),
    Finding("pause", "chest/ecg", T0, T0 + 4, "red", (("longest_s", 3.5),), True),
    Gap("chest/ecg", T0 + 1, T0 + 4, 750),
    Summary(T0, T0 + DAY, "es", "Todo va bien, ¿no?", "template"),
)


def commits(folder: Path, n: int, t0_s: float = T0, every_s: float = 5.0) -> None:
    """Commit a frame and a vital, n times."""
    with vault.Store.open(folder) as store:
        for i in range(n):
            t_s = t0_s + i * every_s
            store.commit([frame(i, t_s=t_s)], [vital(t_s)], b"state %d" % i, now_s=t_s)


def owned(folder: Path) -> vault.Store:
    """Return the store, unlocked by its owner now."""
    return vault.Store.unlock(folder, PASSPHRASE, now_s=time.time())


# Row ids of a store that `commits` has filled: 2048 is the audit of the creation; each commit
# adds two raw rows and a derived one; with the 16th come two rows of the index.
AUDIT_ROW, DERIVED_ROW, RAW_ROW = (stretch << 40 for stretch in (1, 2, 3))
