"""The daemon: frames in over MQTT, through the pipeline, into the sealed store.

One thread, one loop: select, decode, step, commit, acknowledge. While it works it does not
read, so a flood waits at the broker. Nothing is acknowledged before it is on disk; killed at
any moment, the daemon goes on from its last commit, and the rest comes again. So it does where the
disk fails for a while, in the same process.
"""

from __future__ import annotations

import logging
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from healthslm import config as configuration
from healthslm import days, ingest, ledger, service
from healthslm.bell import Bell
from healthslm.errors import BadMessage, IntegrityError
from healthslm.link import Link, Message, Up
from healthslm.outage import Outage, full, passes
from healthslm.pipeline import Pipeline
from healthslm.records import Alert, Chunk, Derived, Finding, Frame, Tick

if TYPE_CHECKING:
    from healthslm.config import Config
    from healthslm.vault.retention import Policy
    from healthslm.vault.store import Store

POLL_S = 0.25  # a signal is noticed so soon
TICK_S = 10.0  # silence after which the wall clock moves time
SETTLE_S = 180.0  # the pipeline holds findings back for its context: at most 150 s
SILENT_TICKS = 60  # commit after ten silent minutes: 144 writes a day, and little to do again
MAX_WISH = 256  # bytes of a request
WISH_S = 60.0  # between two that are granted: the words take seconds of every core
BACK_S = 2 * 86_400.0  # a clock that goes back so far was wrong before
STATE_BYTES = 44 * 1024  # of the pipeline, deflated: with all else it fits the store's rows

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Report:
    """What a run came to."""

    taken: int
    commits: int
    counts: dict[str, int]
    rss_mb: float  # at its highest
    cpu_s: float  # without the language model's process


class Daemon:
    """One person's frames, from the broker's messages to the store.

    Parameters
    ----------
    config
        Everything a person may set.
    store
        Opened with the device key.
    link
        Connected or not; it looks after itself.
    """

    def __init__(self, config: Config, store: Store, link: Link) -> None:
        self.commits = 0
        self._config = config
        self._store = store
        self._link = link
        self._person = config.person.id
        self._intake = ingest.Intake()
        self._pipeline = Pipeline(None, configuration.detectors(config))
        self._bell = Bell(self._person, link)
        self._data_s = self._summary_s = 0.0
        state = store.state()
        if state is not None:
            self._resume(ledger.read(state))
        self._snapshot = self._pipeline.snapshot()
        self._committed = self._intake.due()
        self._frames: list[Frame] = []
        self._derived: list[Derived] = []
        self._fed: list[Chunk | Tick] = []  # since the last commit
        self._tickets: list[tuple[int, int]] = []
        self._since_s: float | None = None  # monotonic; oldest message not yet committed
        self._urgent = False
        self._moved_s = time.monotonic()  # when data last moved time
        self._wished = False
        self._granted_s = float("-inf")  # monotonic; the newest request that was

    @property
    def counts(self) -> dict[str, int]:
        """What was taken and refused, ever, by word."""
        return self._intake.counts

    def turn(self) -> None:
        """Wait for messages and deal with them; commit what is due."""
        for event in self._link.poll(POLL_S):
            if isinstance(event, Message):
                self._hear(event)
            elif isinstance(event, Up):
                log.info("connected to the broker")
                self._link.publish(f"healthslm/1/{self._person}/ready", b"{}")
            else:
                log.warning("the broker is gone; trying again")
            if self._urgent or len(self._frames) >= self._config.daemon.commit_frames:
                self.commit()
        self._pass_time()
        waited_s = time.monotonic() - (self._since_s or time.monotonic())
        if self._urgent or waited_s >= self._config.daemon.commit_s:
            self.commit()

    def prove(self) -> None:
        """Commit the state as it is: only a commit tells whether the disk takes one."""
        if (state := self._store.state()) is not None:
            self._store.commit([], [], state, now_s=self._now_s())

    def commit(self) -> None:
        """Seal what is pending, with the state it led to; then acknowledge it."""
        if self._since_s is None and not self._derived and not self._fed:
            return
        self._snapshot = self._pipeline.snapshot()
        if len(self._snapshot) > STATE_BYTES and (lost := self._pipeline.lighten(STATE_BYTES)):
            log.warning("too many or too fast streams: %d analyses begin anew", lost)
            self._intake.count("fault")
            self._snapshot = self._pipeline.snapshot()
        state = ledger.State(
            self._intake.snapshot(),
            self._snapshot,
            self.counts,
            self._data_s,
            self._summary_s,
            self._bell.snapshot(),
        )
        self._store.commit(self._frames, self._derived, ledger.write(state), now_s=self._now_s())
        self.commits += 1
        before, self._committed = self._committed, self._intake.due()
        for ticket in self._tickets:
            self._link.ack(ticket)
        for name, line in self._committed.items():
            if before.get(name) != line:
                self._answer(name, line[0])
        self._frames, self._derived, self._fed, self._tickets = [], [], [], []
        self._since_s, self._urgent = None, False

    def _resume(self, state: ledger.State) -> None:
        self._intake.restore(state.intake)
        self._pipeline.restore(state.pipeline)
        self._data_s, self._summary_s = state.data_s, state.summary_s
        self._bell.restore(state.alerts)

    def _hear(self, message: Message) -> None:
        """Deal with one message, whatever it is."""
        root, _, leaf = message.topic.rpartition("/")
        if leaf in (
            "ack",
            "meta",
            "ready",
            "alert",
        ):  # our own words come back; descriptions are for people
            self._link.ack(message.ticket)
            return
        self._tickets.append(message.ticket)
        if self._since_s is None:
            self._since_s = time.monotonic()
        try:
            if f"{root}/{leaf}" == f"healthslm/1/{self._person}/summary":
                self._wish(message.payload)
            elif f"{root}/{leaf}" == f"healthslm/1/{self._person}/acknowledge":
                self._answered(message.payload)
            else:
                self._take(message)
        except BadMessage as exc:
            self._store.set_aside(exc.reason, message.payload)

    def _wish(self, payload: bytes) -> None:
        """Note that the words for the day so far are asked for.

        Raises
        ------
        BadMessage
            It is too long. One that comes too soon after another is counted, and no more.
        """
        if len(payload) > MAX_WISH:
            raise self._intake.refuse("oversized")
        if time.monotonic() - self._granted_s < WISH_S:
            self._intake.count("busy")
            return
        self._wished, self._granted_s = True, time.monotonic()

    def _answered(self, payload: bytes) -> None:
        """Take a person's answer to an alert.

        Raises
        ------
        BadMessage
            It is no word, and counted.
        """
        try:
            self._heard(self._bell.answered(payload, self._now_s()))
        except BadMessage as exc:
            raise self._intake.refuse(exc.reason) from exc

    def _take(self, message: Message) -> None:
        """Decode a frame, place it on its line and analyse it.

        Raises
        ------
        BadMessage
            It is refused, and counted.
        """
        try:
            person, frame = ingest.decode(message.topic, message.payload)
        except BadMessage as exc:
            raise self._intake.refuse(exc.reason) from exc
        if person != self._person:
            raise self._intake.refuse("person")
        result = self._intake.accept(frame, self._wall_s())
        if isinstance(result, ingest.Taken):
            self._frames.append(frame)
            if result.gap is not None:
                self._derived.append(result.gap)
            if result.chunk is not None:
                self._data_s = max(self._data_s, result.chunk.end_s)
                self._moved_s = time.monotonic()
                self._feed(result.chunk)
        else:
            self._answer(frame.name, frame.boot, getattr(result, "due", None))

    def _feed(self, item: Chunk | Tick) -> None:
        """Analyse `item`. A stage that fails costs this item's analysis, never the daemon."""
        try:
            found = self._pipeline.feed(item)
        except Exception as exc:  # noqa: BLE001  the one place where our own faults are survived
            log.error("analysis failed: %s", type(exc).__name__)  # its text may hold samples
            self._intake.count("fault")
            self._pipeline.restore(self._snapshot)
            for fed in self._fed:
                self._pipeline.feed(fed)
            return
        self._fed.append(item)
        self._derived += found
        findings = [x for x in found if isinstance(x, Finding)]
        self._urgent |= bool(findings)
        self._heard(self._bell.rung(findings))

    def _heard(self, alerts: Sequence[Alert]) -> None:
        """Seal what was done about findings that ask for a person."""
        self._derived += alerts
        self._urgent |= bool(alerts)

    def _answer(self, name: str, boot: int, due: int | None = None) -> None:
        """Tell a sensor what of its boot is stored, and what to send again."""
        known, next_ = self._committed.get(name, (boot, 0))
        if known < boot:
            known, next_ = boot, 0
        device, stream = name.split("/")
        ack = ledger.Ack(known, next_ - 1, due)
        topic = ingest.topic(self._person, device, stream, "ack")
        self._link.publish(topic, msgspec.json.encode(ack))

    def _wall_s(self) -> float | None:
        """Return the wall clock, unless the data are to set the time."""
        return time.time() if self._config.daemon.clock == "wall" else None

    def _now_s(self) -> float:
        return self._wall_s() or self._data_s or time.time()

    def _pass_time(self) -> None:
        """Move time on where no data do, and write the summary that is due."""
        wall_s = self._wall_s()
        if wall_s is not None and time.monotonic() - self._moved_s >= TICK_S:
            self._moved_s = time.monotonic()
            self._feed(Tick(wall_s))
            self._urgent |= len(self._fed) >= SILENT_TICKS
        self._heard(self._bell.waited(self._now_s()))
        if self._wished:
            self._wished, now_s = False, self._now_s()
            self._summarise(days.midnight_s(now_s, self._config.person.timezone), now_s)
        hour, zone = self._config.daemon.summary_hour, self._config.person.timezone
        if hour < 0 or not (wall_s or self._data_s):
            return
        end_s = days.last_hour_s(self._now_s() - SETTLE_S, hour, zone)
        if 0.0 < self._summary_s < end_s:
            self._summarise(days.day_before_s(end_s, zone), end_s)
        if not end_s < self._summary_s < end_s + BACK_S:
            self._summary_s = end_s

    def _summarise(self, t0_s: float, t1_s: float) -> None:
        """Have the words for a period written."""
        from healthslm import summaries  # a daemon without summaries loads no language

        self.commit()
        try:
            written = summaries.write(self._config, self._store, t0_s, t1_s)
            self._derived += written
            self._intake.count("summary")
            if len(written) > 1:  # with what an operator should know of it
                self._intake.count("by template")
        except Exception as exc:  # noqa: BLE001  a day without words, not a daemon without end
            log.error("no summary: %s", type(exc).__name__)
            self._intake.count("no summary")
        self._urgent = True  # in one commit with the news that it is written


def run(config: Config, *, stop: Callable[[], bool] | None = None) -> Report:
    """Work until `stop()` is true, or without it until SIGTERM or SIGINT; finish cleanly.

    A disk that fails is waited for, with the store closed and nothing acknowledged.

    Raises
    ------
    ConfigError
        The configuration names a detector, or a parameter of one, that does not exist.
        Or another daemon works on the store.
    IntegrityError
        The store was altered, or its state is of another version; or it could not be written
        when it was time to end, and nothing was acknowledged that is not in it.
    """
    from healthslm.vault import upkeep
    from healthslm.vault.database import DATABASE
    from healthslm.vault.store import Store

    stop, outage, folder = stop or service.asked_to_end(), Outage(), config.store.folder
    no_room = False
    while True:
        try:
            with Store.open(folder) as store, service.alone(folder):
                upkeep.begin(store, folder, kept(config.store))
                if no_room:
                    upkeep.make_room(store, now_s=time.time())
                return serve(config, store, stop, outage.ended)
        except (IntegrityError, OSError) as error:
            if stop() or not passes(error):
                raise
            outage.began(error)
            no_room = full(error)
        outage.wait(stop, folder)
        if outage.shut_out(folder / DATABASE):
            raise IntegrityError(
                "vault.db: its disk was mounted anew, which a daemon that shut itself in cannot "
                "follow: start it again (systemd does so by itself)"
            )


def kept(store: configuration.Store) -> Policy:
    """Return how much the configuration lets the store keep."""
    from healthslm.vault.retention import Policy

    return Policy(
        store.raw_days,
        store.derived_days,
        store.audit_days,
        quota_bytes=store.quota_mb * 1e6,
        reserve_bytes=store.reserve_mb * 1_000_000,
    )


def serve(
    config: Config, store: Store, stop: Callable[[], bool], proven: Callable[[], None] | None = None
) -> Report:
    """Run the daemon on an open store; `proven` is called when that was seen to take a commit."""
    person, where = config.person.id, configuration.address(config.broker.url)
    link = Link(where, f"healthslm-{person}", [f"healthslm/1/{person}/#"], lasting=True)
    try:
        daemon = Daemon(config, store, link)
        daemon.prove()
        if proven is not None:
            proven()
        service.notify("READY=1")
        log.info("running; looking for the broker")
        while not stop():
            daemon.turn()
        service.notify("STOPPING=1")
        daemon.commit()
    finally:
        link.close()  # the broker keeps the session, and in it what is not acknowledged
    return _report(daemon)


def _report(daemon: Daemon) -> Report:
    """Return what a run came to, and say the least of it."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    report = Report(
        daemon.counts.get("taken", 0),
        daemon.commits,
        dict(sorted(daemon.counts.items())),
        round(usage.ru_maxrss / 1024, 1),
        round(usage.ru_utime + usage.ru_stime, 3),
    )
    log.info("stopped; commits: %d; %.0f MB", report.commits, report.rss_mb)
    return report
