from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.errors import BadMessage, BrokerError
from healthslm.ingest import Intake, Taken, Wait
from healthslm.ledger import Ack
from healthslm.publisher import ASKED_S, Outbox, Publisher
from healthslm.records import Frame

ECG, PPG = "chest/ecg", "wrist/ppg"


def frame(name, seq, boot=1):
    device, stream = name.split("/")
    unit = "mV" if stream == "ecg" else "1"
    t_s = 1.7e9 + seq
    return Frame(device, stream, boot, seq, 250 * seq, t_s, 250.0, unit, 1.0, 0.0, bytes(500))


def filled(*names, window=64):
    outbox = Outbox(window, patience_s=15.0)
    counts = {}
    for name in names:
        outbox.submit(frame(name, counts.setdefault(name, 0)))
        counts[name] += 1
    return outbox


def sent(outbox, now_s):
    return [(f.name, f.seq) for f in outbox.due(now_s)]


def test_frames_of_all_streams_are_sent_in_the_order_they_were_made():
    outbox = filled(ECG, PPG, ECG, PPG)
    assert sent(outbox, 0.0) == [(ECG, 0), (PPG, 0), (ECG, 1), (PPG, 1)]
    assert sent(outbox, 0.1) == []


def test_no_more_than_the_window_are_under_way():
    outbox = filled(*[ECG] * 5, window=2)
    assert sent(outbox, 0.0) == [(ECG, 0), (ECG, 1)]
    outbox.acked(ECG, Ack(1, 0), 0.1)
    assert sent(outbox, 0.1) == [(ECG, 2)]


def test_every_frame_says_what_its_stream_still_keeps():
    outbox = filled(ECG, PPG, ECG, ECG)
    assert [f.kept for f in outbox.due(0.0)] == [0, 0, 0, 0]
    outbox.acked(ECG, Ack(1, 1), 1.0)
    outbox.submit(frame(ECG, 3))
    assert [f.kept for f in outbox.due(1.0)] == [2]


def test_only_what_is_acknowledged_is_let_go():
    outbox = filled(ECG, PPG, ECG)
    sent(outbox, 0.0)
    outbox.acked(ECG, Ack(1, -1), 0.1)
    outbox.acked(ECG, Ack(2, 9), 0.1)  # of another boot
    outbox.acked("chest/ppg", Ack(1, 9), 0.1)  # of another stream
    assert outbox.waiting == 3
    outbox.acked(ECG, Ack(1, 1), 0.1)
    assert outbox.waiting == 1
    outbox.restart(0.2)
    assert sent(outbox, 0.2) == [(PPG, 0)]


@pytest.mark.parametrize(("after_s", "again"), [(15.0, []), (15.001, [(ECG, 0), (PPG, 0)])])
def test_silence_beyond_patience_sends_everything_again(after_s, again):
    outbox = filled(ECG, PPG)
    sent(outbox, 0.0)
    assert sent(outbox, after_s) == again


def test_patience_begins_with_the_newest_acknowledgement():
    outbox = filled(ECG, ECG)
    sent(outbox, 0.0)
    outbox.acked(ECG, Ack(1, 0), 10.0)
    assert sent(outbox, 24.0) == []
    assert sent(outbox, 25.1) == [(ECG, 1)]


def test_when_asked_it_goes_back_in_all_streams_from_there():
    outbox = filled(ECG, PPG, ECG, PPG, ECG)
    sent(outbox, 0.0)
    outbox.acked(ECG, Ack(1, 0, due=1), 1.0)
    assert sent(outbox, 1.0) == [(ECG, 1), (PPG, 1), (ECG, 2)]
    assert outbox.again == 3


def test_being_asked_by_every_frame_under_way_sends_again_once():
    outbox = filled(ECG, ECG, ECG)
    sent(outbox, 0.0)
    outbox.acked(ECG, Ack(1, -1, due=1), 1.0)
    assert sent(outbox, 1.0) == [(ECG, 1), (ECG, 2)]
    outbox.acked(ECG, Ack(1, -1, due=1), 1.0 + ASKED_S)
    assert sent(outbox, 1.0 + ASKED_S) == []
    outbox.acked(ECG, Ack(1, -1, due=1), 1.1 + ASKED_S)
    assert sent(outbox, 1.1 + ASKED_S) == [(ECG, 1), (ECG, 2)]


def test_being_asked_for_something_older_always_counts():
    outbox = filled(PPG, ECG, PPG, ECG)
    sent(outbox, 0.0)
    outbox.acked(ECG, Ack(1, 0, due=1), 1.0)
    outbox.acked(PPG, Ack(1, -1, due=0), 1.0)
    assert sent(outbox, 1.0) == [(PPG, 0), (PPG, 1), (ECG, 1)]


def test_being_asked_for_what_is_not_made_yet_is_harmless():
    outbox = filled(ECG, ECG)
    sent(outbox, 0.0)
    outbox.acked(ECG, Ack(1, 0, due=5), 1.0)
    outbox.acked(ECG, Ack(1, 1, due=2), 2.0)
    assert sent(outbox, 2.0) == []


def test_a_new_boot_waits_until_the_old_one_is_stored():
    """To the daemon a higher boot is the end of the lower: what it lacked would be lost."""
    outbox = filled(ECG, ECG)
    outbox.submit(frame(ECG, 0, boot=2))
    assert [(f.boot, f.seq) for f in outbox.due(0.0)] == [(1, 0), (1, 1)]
    outbox.acked(ECG, Ack(1, 0), 0.1)
    assert outbox.due(0.1) == []
    outbox.acked(ECG, Ack(1, 1), 0.2)
    assert [(f.boot, f.seq) for f in outbox.due(0.2)] == [(2, 0)]


wire = st.lists(
    st.sampled_from(["arrive", "lose", "ack", "lose ack", "forget", "reconnect", "wait"]),
    max_size=60,
)


@given(faults=wire, streams=st.lists(st.sampled_from([ECG, PPG]), min_size=1, max_size=12))
def test_whatever_the_network_loses_every_frame_is_taken_once_and_in_order(faults, streams):
    """A daemon that may forget what it did not commit, a broker that loses what it likes."""
    outbox = filled(*streams, window=4)
    intake, kept = Intake(), Intake().snapshot()
    taken, stored, wires = [], [], []
    now_s = 0.0
    for fault in [*faults, *["wait", "arrive", "ack"] * 60]:
        now_s += 0.3
        wires += outbox.due(now_s)
        if fault == "arrive" and wires:
            for f in wires:
                result = intake.accept(f, None)
                if isinstance(result, Taken):
                    taken.append((f.name, f.seq))
                elif isinstance(result, Wait):
                    outbox.acked(f.name, Ack(f.boot, -1, result.due), now_s)
            wires = []
        elif fault == "lose":
            wires = wires[1:]
        elif fault in ("ack", "lose ack"):
            kept, stored = intake.snapshot(), list(taken)
            for name, (boot, due) in intake.due().items():
                if fault == "ack":
                    outbox.acked(name, Ack(boot, due - 1), now_s)
        elif fault == "forget":
            intake, taken = Intake(), list(stored)
            intake.restore(kept)
        elif fault == "reconnect":
            outbox.restart(now_s)
            wires = []
        elif fault == "wait":
            now_s += 20.0
    for name in (ECG, PPG):
        assert [s for n, s in stored if n == name] == list(range(streams.count(name)))
    assert outbox.waiting == 0


def test_a_frame_the_daemon_would_refuse_is_refused_at_once():
    publisher = Publisher("mqtt://127.0.0.1:1", "ada")
    with pytest.raises(BadMessage, match="unit"):
        publisher.send(replace(frame(ECG, 0), unit="Cel"))
    assert publisher.outbox.waiting == 0


def test_a_broker_that_is_not_there_is_said_soon():
    publisher = Publisher("mqtt://127.0.0.1:1", "ada")
    with pytest.raises(BrokerError, match="the broker does not answer"):
        publisher.meet(0.2)
