"""The connection, over each broker that is here."""

import time

import pytest

from healthslm import broker, config
from healthslm.link import Down, Link, Message, Up

mosquitto = pytest.param(
    "mosquitto",
    marks=pytest.mark.skipif(broker.mosquitto() is None, reason="mosquitto is not installed"),
)


@pytest.fixture(params=[mosquitto, "amqtt"])
def server(request, tmp_path):
    with broker.Broker(request.param, tmp_path) as server:
        yield server


def connect(server, name, *, lasting=False, topic="t/#"):
    link = Link(config.address(server.url), name, [topic], lasting=lasting)
    link.heard = []  # what came while we waited for something else
    (event,) = until(link, Up)
    return link, event


def until(link, kind, count=1, timeout_s=10.0):
    """Return the next `count` events of a kind."""
    end_s = time.monotonic() + timeout_s
    while True:
        found = [e for e in link.heard if isinstance(e, kind)][:count]
        if len(found) == count or time.monotonic() > end_s:
            link.heard = [e for e in link.heard if e not in found]
            return found
        link.heard += link.poll(0.05)


def test_what_is_published_comes_in_order_and_unchanged(server):
    (one, _), (two, _) = connect(server, "one"), connect(server, "two")
    payloads = [bytes([n]) * 2500 for n in range(100)]
    for payload in payloads:
        assert two.publish("t/x", payload, qos=1)
    two.poll(0.0)
    got = until(one, Message, 100)
    assert [(m.topic, m.payload) for m in got] == [("t/x", p) for p in payloads]
    one.close()
    two.close()


def test_what_was_said_last_is_read_though_we_leave_messages_unread(server):
    (one, _), (two, _) = connect(server, "one"), connect(server, "two", topic="u/#")
    for n in range(50):
        one.publish("u/x", bytes([n]))
        one.publish("t/x", bytes(2500))  # comes back to us, unread
    one._asked_s -= 60.0  # it has been connected for a minute
    one.close()
    assert [m.payload for m in until(two, Message, 50)] == [bytes([n]) for n in range(50)]
    two.close()


def test_what_is_not_acknowledged_comes_again_to_the_same_session(tmp_path):
    if broker.mosquitto() is None:
        pytest.skip("mosquitto is not installed; amqtt does not send again what was under way")
    with broker.Broker("mosquitto", tmp_path) as server:
        one, up = connect(server, "one", lasting=True)
        assert up == Up(resumed=False)
        two, _ = connect(server, "two")
        for n in range(4):
            two.publish("t/x", bytes([n]), qos=1)
        two.poll(0.1)
        got = until(one, Message, 4)
        one.ack(got[0].ticket)
        one.ack(got[2].ticket)
        one.close()
        again, up = connect(server, "one", lasting=True)
        assert up == Up(resumed=True)
        assert [m.payload for m in until(again, Message, 2)] == [b"\1", b"\3"]
        again.close()
        two.close()


def test_a_late_acknowledgement_does_not_acknowledge_another_message(tmp_path):
    """Message ids begin again with a connection: what A was called, C is called now."""
    if broker.mosquitto() is None:
        pytest.skip("mosquitto is not installed; amqtt does not send again what was under way")
    with broker.Broker("mosquitto", tmp_path) as server:
        one, _ = connect(server, "one", lasting=True)
        two, _ = connect(server, "two")
        two.publish("t/x", b"A", qos=1)
        two.poll(0.1)
        (a,) = until(one, Message)
        server.kill()
        server.start()
        until(one, Up)
        until(two, Up)
        two.publish("t/x", b"C", qos=1)
        two.poll(0.1)
        (c,) = until(one, Message)
        assert c.payload == b"C"
        assert a.ticket != c.ticket
        one.ack(a.ticket)
        one.close()
        again, _ = connect(server, "one", lasting=True)
        assert [m.payload for m in until(again, Message)] == [b"C"]
        again.close()
        two.close()


def test_a_lost_broker_is_told_and_found_again(server):
    link, _ = connect(server, "one")
    server.kill()
    assert until(link, Down) == [Down()]
    assert not link.up
    assert not link.publish("t/x", b"lost")
    server.start()
    assert len(until(link, Up)) == 1
    link.close()


def test_a_broker_that_is_not_there_costs_waiting_and_no_error():
    link = Link(config.address("mqtt://127.0.0.1:1"), "one", ["t"], lasting=False)
    end_s = time.monotonic() + 0.5
    polls = 0
    while time.monotonic() < end_s:
        assert link.poll(0.1) == []
        polls += 1
    assert polls < 20  # it waits between attempts
    link.close()


def test_a_wrong_password_is_never_up(tmp_path):
    with broker.Broker("amqtt", tmp_path) as server:
        wrong = server.url.replace("healthslm:", "healthslm:not-")
        link = Link(config.address(wrong), "one", ["t"], lasting=False)
        end_s = time.monotonic() + 1.0
        while time.monotonic() < end_s:
            assert link.poll(0.1) == []
        assert not link.up
        link.close()


def test_a_unix_socket_works_like_a_port(tmp_path):
    if broker.mosquitto() is None:
        pytest.skip("mosquitto is not installed; amqtt has no unix socket")
    with broker.running("mosquitto", tmp_path, unix=True) as url:
        link = Link(config.address(url), "one", ["t/#"], lasting=False)
        while not link.up:
            link.poll(0.1)
        link.publish("t/x", b"1", qos=1)
        assert [m.payload for m in link.poll(5.0)] == [b"1"]
        link.close()
        assert not (tmp_path / "mosquitto.db").exists()
