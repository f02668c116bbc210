"""What the report's tests put in."""

from hashlib import sha256

from healthslm.records import Alert, Beat, Finding, Gap, Summary, Vital
from healthslm.share import digest, envelope
from healthslm.vault.keys import Device
from healthslm.vault.readers import Reader
from healthslm.vault.release import Release

BEGIN = 29_537_280  # minutes: 2026-02-28 00:00 UTC
T0 = BEGIN * 60.0
DAY = digest.Period(BEGIN, BEGIN + 1440)
CREATED_S = T0 + 86_400 + 90


def bytes_of(name, n):
    """Return n bytes that anyone can make again from a name."""
    return b"".join(sha256(f"{name} {i}".encode()).digest() for i in range(-(-n // 32)))[:n]


DEVICE = Device(bytes_of("store", 16), bytes_of("secret", 32))
READER, OTHER = Reader(bytes_of("reader", 96)), Reader(bytes_of("another reader", 96))


def release(counter=1, size=7, device=DEVICE, reader=READER, newest=None):
    """Return what the store would release."""
    return Release(
        device.store_id,
        reader.id,
        reader.public,
        counter,
        (size, newest or bytes_of(f"entry {size}", 32)),
        device.public,
        device.sign,
    )


def day():
    """Return a small day with every kind of derived record in it."""
    return (
        *(Vital("heart_rate", "chest/ecg", T0 + 60 * m, 60.0 + m % 7) for m in range(1, 40)),
        *(Vital("temperature", "arm/temperature", T0 + 300 * m, 36.64) for m in range(1, 4)),
        Vital("spo2", "wrist/spo2", T0 + 1000, 96.0),
        Vital("unheard_of", "wrist/spo2", T0 + 1100, 96.0),
        *(Beat("beat", "chest/ecg", T0 + i, 1.0, True) for i in range(1, 90)),
        Gap("chest/ecg", T0 + 130, T0 + 260, 32_500),
        Finding("pause", "chest/ecg", T0 + 1202, T0 + 1205.4, "amber", (("rr_s", 3.42),)),
        Finding(
            *("bradycardia", "chest/ecg", T0 + 60, T0 + 700, "red"),
            (("lowest_bpm", 34.4), ("limit_bpm", 40.0), ("mean_bpm", 36.0)),
        ),
        Finding("new_detector", "chest/ecg", T0 + 90, T0 + 700, "info", (("secret_s", 1.5),)),
        Finding("summary_by_template", "board/model", T0, T0 + 700, "info", (("reason", 3.0),)),
        Summary(T0, T0 + 86_400, "en", "canary words", "template"),
        Alert("pause", T0 + 1206, "amber", "told", T0 + 1202),
    )


def written(records=None, period=DAY, **more):
    """Return a report, sealed."""
    return envelope.write(day() if records is None else records, period, release(**more), CREATED_S)


def opened(data, reader=READER):
    return envelope.unseal(data, reader.id, reader.open)


def told(data, device=DEVICE):
    """Return the head and the body of a report."""
    return envelope.verified(opened(data), device.public)
