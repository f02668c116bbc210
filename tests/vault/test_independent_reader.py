"""A reader written from the page alone reads what the package writes: the page says enough."""

import random
import shutil
from contextlib import closing
from dataclasses import replace
from itertools import islice

import pytest

from healthslm import vault
from healthslm.records import Summary
from healthslm.vault import consent, recovery
from healthslm.vault.erase import Scope, erase
from healthslm.vault.keys import Class
from healthslm.vault.readers import Reader as Clinician
from healthslm.vault.rekey import change_data_keys

from .given import CHEAPEST, DAY, EVERY_KIND, PASSPHRASE, T0, frame, vital
from .independent_keys import Refused, secret_of
from .independent_reader import Reader

SECRET = bytes(range(32))
MONDAY = T0 - T0 % DAY
# Hours of a clock that is set back, of days on end, and of one hour that is long.
TIMES = [
    *(MONDAY + 3600 * hour for hour in (0, 1, 2, 1, 2, 3, 3, 4)),
    *(MONDAY + 4 * 3600 + 5 * i for i in range(1, 40)),
    *(MONDAY + DAY * day for day in range(1, 13)),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a store with many chapters, a restart at each tenth commit, and two unlockings."""
    folder = tmp_path_factory.mktemp("written") / "store"
    vault.create(folder, PASSPHRASE, now_s=MONDAY, profile=CHEAPEST, sheet=SECRET)
    for start in range(0, len(TIMES), 10):
        with vault.Store.open(folder) as store:
            for seq, t_s in list(enumerate(TIMES))[start : start + 10]:
                sent = frame(seq, t_s=t_s)
                store.commit([sent, replace(sent, stream="ppg")], [vital(t_s)], b"", now_s=t_s)
                store.set_aside("too long", b"%d" % seq)
    for now_s in (TIMES[-1] + 1, TIMES[-1] + 2):
        vault.Store.unlock(folder, PASSPHRASE, now_s=now_s).close()
    with vault.Store.open(folder) as store:
        store.set_aside("noise", random.Random(1).randbytes(4000))
        store.commit([], EVERY_KIND, b"the end", now_s=TIMES[-1] + 3)
    return folder


@pytest.fixture(params=["the passphrase", "the sheet"])
def reader(folder, request):
    how = {"passphrase": PASSPHRASE}
    if request.param == "the sheet":
        how = {"secret": secret_of(" ".join(recovery.words(SECRET)))}
    reader = Reader(folder, **how)
    yield reader
    reader.close()


def test_it_finds_the_newest_state_and_every_row_that_the_state_counts(reader):
    commits = 1 + len(TIMES) + 2 + 1
    assert reader.state[0] == reader.seen > commits  # and one where an hour was joined
    assert reader.pipeline() == b"the end"
    assert reader.state[8]["frames"] == 2 * len(TIMES)
    assert reader.state[4] is not None
    assert len(reader.chapters) > len(reader.state[3])
    reader.count()
    assert len(reader.rows(1, 63)) % 8 == 0


def test_it_finds_whom_keys_are_wrapped_to_and_the_key_of_each(reader):
    assert [(role, classes) for _, role, classes, *_ in reader.state[5]] == [
        ("owner", 30),
        ("recovery", 30),
    ]
    assert {reader.reader_record(number) is not None for number, *_ in reader.state[5]} == {True}


def test_it_reads_every_frame_in_order_of_commit(reader):
    read = list(reader.frames())
    assert [seq for _, _, seq, _ in read] == [i for i in range(len(TIMES)) for _ in range(2)]
    for device, stream, seq, samples in read:
        assert (device, stream in ("ecg", "ppg")) == ("chest", True)
        assert samples == list(memoryview(frame(seq).samples).cast("h"))


def test_it_reads_every_record_in_order_of_commit(reader):
    records = reader.records()
    assert records[: len(TIMES)] == [["v", "spo2", "wrist/spo2", t_s, 97.0] for t_s in TIMES]
    assert [tag for tag, *_ in records[len(TIMES) :]] == ["b", "b", "v", "f", "g", "s"]
    said = next(r for r in EVERY_KIND if isinstance(r, Summary))
    assert records[-1] == ["s", said.t0_s, said.t1_s, said.lang, said.text, said.source]


def test_it_reads_the_audit_trail_to_its_end(reader):
    actions = [(action, who, what) for _, action, who, what in reader.events()]
    assert actions == [
        ("create", "owner", ""),
        ("unlock", "owner", ""),
        ("unlock", "owner", ""),
        ("summary", "device", ""),
    ]


def test_it_reads_the_letters_long_and_short(reader):
    letters = reader.letters()
    waited = {9, 19, 29, 39, 49, len(TIMES) - 1}  # set aside, and then a restart
    kept = [b"%d" % seq for seq in range(len(TIMES)) if seq not in waited]
    assert letters == [
        *(("too long", payload) for payload in kept),
        ("noise", random.Random(1).randbytes(4000)),
    ]


def test_with_the_device_key_it_reads_the_state_and_eight_days_of_records_only(folder):
    device = Reader(folder)
    assert device.pipeline() == b"the end"
    times = [record[3] for record in device.records() if record[0] == "v"]
    assert times == [*TIMES[-8:], T0 + 3]
    device.count()
    for read in (device.frames, device.events, device.letters):
        with pytest.raises(Refused, match="locked"):
            read()
    device.close()


def test_a_wrong_passphrase_or_another_sheet_opens_nothing(folder):
    for how in ({"passphrase": "ein Löffel Salz"}, {"secret": bytes(32)}):
        with pytest.raises(Refused, match=r"wrong key|another sheet"):
            Reader(folder, **how)


def test_it_reads_a_ring_of_letters_that_has_gone_round(tmp_path):
    vault.create(tmp_path / "s", PASSPHRASE, now_s=T0, profile=CHEAPEST)
    noise = [random.Random(i).randbytes(30_000) for i in range(40)]
    with vault.Store.open(tmp_path / "s") as store:
        for payload in noise:
            store.set_aside("flood", payload)
            store.commit([], [], b"", now_s=T0)
    reader = Reader(tmp_path / "s", PASSPHRASE)
    letters = reader.letters()
    assert 25 < len(letters) < 40
    assert letters == [("flood", payload) for payload in noise[-len(letters) :]]
    reader.close()


def test_it_reads_a_store_that_was_erased_in_part_and_given_all_new_keys(folder, tmp_path):
    """Chapters are written anew, out of turn, and their contents stay in order of commit."""
    shutil.copytree(folder, tmp_path / "s")
    now_s, hour = TIMES[-1] + 9, (MONDAY + 3600, MONDAY + 2 * 3600)
    with vault.Store.unlock(tmp_path / "s", PASSPHRASE, now_s=now_s) as store:
        consent.add(store, "A", Clinician.new().public, now_s=now_s)
        consent.grant(store, "A", [Class.DERIVED], now_s=now_s)
        erase(store, Scope(*hour), now_s=now_s)
        change_data_keys(store, now_s=now_s)
    left = [i for i, t_s in enumerate(TIMES) if not hour[0] <= t_s < hour[1]]
    with closing(Reader(tmp_path / "s", PASSPHRASE)) as reader:
        reader.count()
        assert [role for _, role, *_ in reader.state[5]] == ["owner", "recovery", "clinician"]
        assert [seq for _, _, seq, _ in reader.frames()] == [i for i in left for _ in range(2)]
        assert [r[3] for r in reader.records()][: len(left)] == [TIMES[i] for i in left]
        assert reader.events()[-1][1] == "data keys changed"
        kept = {letter for letter in reader.letters() if letter[0] != "erased"}
    with vault.Store.unlock(tmp_path / "s", PASSPHRASE) as store:
        assert set(store.letters()) == kept
        assert [f.seq for f in store.frames()] == [i for i in left for _ in range(2)]
        assert [v.t_s for v in islice(store.derived(), len(left))] == [TIMES[i] for i in left]
