"""A small store of format 1, as the last version that wrote that format made it.

`tests/vectors/store-1.zip` holds its files; `python benchmarks/store_1.py FOLDER`, with the
package
as of 974bdd1 on the path, made them. What was put in follows from the number of the commit, so
that whatever a migration gives can be held against it.
"""

from __future__ import annotations

import random
import struct
import sys
import zipfile
from pathlib import Path

from healthslm import vault
from healthslm.records import Beat, Derived, Frame, Summary, Vital

FROZEN = Path(__file__).parent.parent / "tests" / "vectors" / "store-1.zip"
PASSPHRASE = "three geese over the river"  # noqa: S105 - of an invented store
T0 = 1_699_999_200.0  # 2023-11-14 22:00:00 UTC
COMMITS = 19  # more records than one level of the index holds
TRAIL = ["create", "unlock", "read raw", "summary", "unlock"]


def now_s(i: int) -> float:
    """Return the time of the i-th commit: over an hour, and over midnight."""
    return T0 + i * 900.0


def frames(i: int) -> list[Frame]:
    """Return the frames of the i-th commit."""
    if i % 4:
        return []
    draw = random.Random(i)  # noqa: S311 - no secret
    samples = struct.pack("<125h", *(draw.randrange(-400, 400) for _ in range(125)))
    return [Frame("chest", "ecg", 1, i, i * 125, now_s(i), 250.0, "mV", 0.005, 0.0, samples, 0)]


def derived(i: int) -> list[Derived]:
    """Return the records of the i-th commit."""
    records: list[Derived] = [Vital("spo2", "wrist/spo2", now_s(i), 80.0 + i)]
    records += [Beat("beat", "chest/ecg", now_s(i) + k, 0.5 + i / 1000, True) for k in range(i % 3)]
    if i == 12:
        records.append(Summary(T0, now_s(i), "en", "All is well.", "template"))
    return records


def letter(i: int) -> tuple[str, bytes] | None:
    """Return what is set aside with the i-th commit, if anything is."""
    return ("bad json", b"letter %d" % i) if i in (3, 17) else None


def state(i: int) -> bytes:
    """Return the pipeline's state after the i-th commit."""
    return b"state %d" % i


def make(folder: Path) -> None:
    """Make the store: the daemon starts twice, the owner looks in twice."""
    vault.create(folder, PASSPHRASE, now_s=T0, profile=vault.PROFILES["cheapest"])
    for begin, end in ((1, 11), (11, COMMITS + 1)):
        with vault.Store.open(folder) as store:
            for i in range(begin, end):
                if aside := letter(i):
                    store.set_aside(*aside)
                store.commit(frames(i), derived(i), state(i), now_s=now_s(i))
        with vault.Store.unlock(folder, PASSPHRASE, now_s=now_s(end)) as owner:
            if begin == 1:
                list(owner.frames())


def frozen(folder: Path) -> Path:
    """Unpack the files into a new folder; return it."""
    folder.mkdir(mode=0o700)
    with zipfile.ZipFile(FROZEN) as files:
        files.extractall(folder)
    for file in folder.iterdir():
        file.chmod(0o600)
    return folder


def main() -> None:
    """Make the store, and pack its files."""
    folder = Path(sys.argv[1])
    make(folder)
    with zipfile.ZipFile(FROZEN, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as files:
        for name in ("vault.db", "device.key", "vault.mark"):
            files.write(folder / name, name)


if __name__ == "__main__":
    main()
