"""One TOML file, read once into frozen dataclasses and passed down by argument.

Every key may be overridden by an environment variable, `HEALTHSLM_<SECTION>_<KEY>`. Unknown
sections and keys are errors that name the known ones.
"""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_type_hints
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from healthslm.errors import ConfigError
from healthslm.resources import resource as resource

if TYPE_CHECKING:
    from healthslm.stage import Stage

Name = Annotated[
    str,
    msgspec.Meta(
        pattern="^[a-z0-9][a-z0-9_-]{0,31}$",
        description="a-z, 0-9, - and _, at most 32, a letter or digit first",
    ),
]
Number = Annotated[
    str,
    msgspec.Meta(pattern="^[0-9+ -]{2,20}$", description="2 to 20 digits, +, - and spaces"),
]
SocketPath = Annotated[
    str,
    msgspec.Meta(
        pattern="^(/.{1,106})?$",  # what fits struct sockaddr_un, see unix(7)
        description="the path of a unix socket from / on, at most 107 long, or empty",
    ),
]
Level = Literal["plain", "plainer", "carer", "clinician"]
MQTT_PORT = 1883
NO_MODEL = "none"


@dataclass(frozen=True, slots=True)
class Person:
    """Whose health this is."""

    id: Name = "me"  # the person's level in MQTT topics
    language: str = "en"  # of the summaries
    timezone: str = "UTC"  # IANA name; days begin at midnight there
    emergency_number: Number = "112"
    level: Level = "plain"  # whom the summaries speak to


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the sensors publish: this machine, always."""

    url: str = "mqtt://127.0.0.1:1883"  # or unix:///run/mosquitto.sock


@dataclass(frozen=True, slots=True)
class Store:
    """Where the sealed store lies, and how much it keeps."""

    folder: Path = Path("store")  # relative to the configuration file
    raw_days: Annotated[int, msgspec.Meta(ge=1, le=36_500)] = 14
    derived_days: Annotated[int, msgspec.Meta(ge=8, le=36_500)] = 365  # the board itself reads 8
    audit_days: Annotated[int, msgspec.Meta(ge=1, le=36_500)] = 1095
    # 14 days of five streams at 75 MB, as much again for a year of records, and as much to spare.
    quota_mb: Annotated[int, msgspec.Meta(ge=64, le=10_000_000)] = 4000
    reserve_mb: Annotated[int, msgspec.Meta(ge=0, le=10_000_000)] = 256  # left free on its disk


@dataclass(frozen=True, slots=True)
class Daemon:
    """How the daemon works."""

    clock: Literal["wall", "data"] = "wall"  # "data": time is what the newest sample says
    commit_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 5.0
    commit_frames: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 32
    summary_hour: Annotated[int, msgspec.Meta(ge=-1, le=23)] = 20  # local time; -1: never


@dataclass(frozen=True, slots=True)
class Model:
    """Which language model speaks: empty, the bundled one; "none", none, and the template does."""

    folder: str = ""


@dataclass(frozen=True, slots=True)
class Voice:
    """Where the model speaks under a user of its own; empty: in a child of the daemon."""

    socket: SocketPath = ""  # /run/healthslm-voice/voice.sock, as in deploy/


@dataclass(frozen=True, slots=True)
class Board:
    """What the board draws while it works, to turn CPU time into joules."""

    watts: Annotated[float, msgspec.Meta(gt=0, le=1000)] = 5.0  # Pi 4 under load: 5 to 6 W


@dataclass(frozen=True, slots=True)
class Config:
    """Everything a person may set."""

    person: Person = Person()
    broker: Broker = Broker()
    store: Store = Store()
    daemon: Daemon = Daemon()
    model: Model = Model()
    voice: Voice = Voice()
    board: Board = Board()
    detect: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Address:
    """A broker on this machine: a TCP port on loopback, or a unix socket where `path` is set."""

    host: str = ""
    port: int = MQTT_PORT
    path: str = ""
    username: str | None = None
    password: str | None = field(default=None, repr=False)


def load(path: Path, environ: Mapping[str, str] | None = None) -> Config:
    """Read the configuration file at `path`.

    Raises
    ------
    ConfigError
        The file cannot be read, or a key is unknown or has a value that is not allowed; the
        operator must mend it.
    """
    try:
        config = parse(path.read_text("utf-8"), environ)
    except FileNotFoundError as exc:
        raise ConfigError(f"{path}: {exc.strerror}. `healthslm init FOLDER` makes one") from exc
    except OSError as exc:
        raise ConfigError(f"{path}: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{path}: not TOML: {exc}") from exc
    except ConfigError as exc:
        raise ConfigError(f"{path}: {exc}") from exc
    return replace(config, store=replace(config.store, folder=path.parent / config.store.folder))


def parse(text: str, environ: Mapping[str, str] | None = None) -> Config:
    """Read the text of a configuration file.

    Raises
    ------
    ConfigError
        It is not TOML, or a key is unknown or has a value that is not allowed.
    """
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as exc:  # its own error, too many digits, too deep
        raise ConfigError(f"not TOML: {exc}") from exc
    return _build(tables, environ or {})


def address(url: str) -> Address:
    """Return where `url` leads.

    Raises
    ------
    ConfigError
        It is not `mqtt://` to a loopback address, nor `unix:///`. Samples never travel in
        clear over a network.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or MQTT_PORT
    except ValueError as exc:
        raise ConfigError("[broker] url: not a URL") from exc
    name = None if parts.username is None else unquote(parts.username)
    secret = None if parts.password is None else unquote(parts.password)
    if parts.scheme == "unix" and parts.path.startswith("/"):
        return Address(path=parts.path, username=name, password=secret)
    host = parts.hostname or ""
    if parts.scheme == "mqtt" and _loopback(host):
        return Address(host, port, "", name, secret)
    raise ConfigError(
        "[broker] url: allowed are mqtt:// to a loopback address (127.0.0.1, ::1, localhost) "
        "and unix:///path; plain MQTT over a network is refused"
    )


def model(config: Config) -> Path | None:
    """Return the folder of the model that speaks; None where none is to."""
    named = config.model.folder
    if named == NO_MODEL:
        return None
    return Path(named).expanduser() if named else resource("models/mini")


def voice(config: Config) -> Path | None:
    """Return the socket of the model's own process; None where it is the daemon's child."""
    return Path(config.voice.socket) if config.voice.socket else None


def detectors(config: Config) -> dict[str, Stage[Any]]:
    """Return every detector, with the parameters that `[detect.NAME]` sets.

    Raises
    ------
    ConfigError
        There is no such detector, or it has no such parameter of this type.
    """
    from healthslm import detect  # here: reading a configuration must not load NumPy

    found = dict(detect.detectors())
    for name, wanted in config.detect.items():
        if name not in found:
            raise ConfigError(f"[detect] {name}: unknown; known: {', '.join(found)}")
        stage: Any = found[name]
        known = {f.name: type(getattr(stage, f.name)) for f in fields(stage)}
        _known(f"detect.{name}", wanted, known)
        for key, value in wanted.items():
            try:
                stage = replace(stage, **{key: msgspec.convert(value, known[key])})
            except msgspec.ValidationError as exc:
                raise ConfigError(f"[detect.{name}] {key}: {exc}") from exc
        found[name] = stage
    return found


def default_toml(
    person_id: str = "me",
    language: str = "en",
    timezone: str = "UTC",
    emergency_number: str = "112",
    url: str = "mqtt://127.0.0.1:1883",
    folder: str = "store",
) -> str:
    """Return a configuration file with every key, its default and what it means."""
    values = {k: msgspec.json.encode(v).decode() for k, v in locals().items()}  # TOML strings
    return _TEMPLATE.format(**values)


_TEMPLATE = """\
# healthslm: every key, with its meaning. HEALTHSLM_<SECTION>_<KEY> in the environment wins.

[person]
id = {person_id:<22} # the level in MQTT topics: healthslm/1/<id>/...
language = {language:<16} # of the summaries: en, es
timezone = {timezone:<16} # IANA name; days begin at midnight there
emergency_number = {emergency_number}
level = "plain"             # of the summaries: plain, plainer, carer, clinician

[broker]
url = {url:<22} # loopback, or unix:///path; nothing else

[store]
folder = {folder:<18} # relative to this file
raw_days = 14               # days on which something was recorded: so many of waveforms are kept
derived_days = 365          # ... of beats, figures, findings and texts; at least 8
audit_days = 1095           # ... of who opened the store
quota_mb = 4000             # room it may take; for that the oldest waveforms go first
reserve_mb = 256            # room it leaves free on its disk, a tenth of that at most

[daemon]
clock = "wall"              # "data": time is what the newest sample says (replays)
commit_s = 5.0              # seal and acknowledge at least so often
commit_frames = 32          # ... or after so many frames
summary_hour = 20           # local time of the daily summary; -1: never

[model]
folder = ""                 # empty: the bundled model; "none": the template speaks

[voice]
socket = ""                 # of the model's process under its own user; empty: the daemon's child

[board]
watts = 5.0                 # drawn under load: turns CPU time into joules

# [detect.tachycardia]      # any parameter of any detector
"""


def _build(tables: Mapping[str, Any], environ: Mapping[str, str]) -> Config:
    sections = {f.name: f for f in fields(Config)}
    _known("", tables, sections)
    values: dict[str, Any] = {}
    for name in sections:
        table = tables.get(name, {})
        if not isinstance(table, dict):
            raise ConfigError(f"{name}: must be a section, [{name}]")
        if name == "detect":
            if not all(isinstance(t, dict) for t in table.values()):
                raise ConfigError("[detect]: holds sections only, [detect.NAME]")
            values[name] = table
            continue
        kind = type(getattr(Config(), name))
        _known(name, table, {f.name: f for f in fields(kind)})
        values[name] = _section(kind, name, table, _overrides(kind, name, environ))
    config = Config(**values)
    _check(config)
    return config


def _known(section: str, table: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    for key in table:
        if key not in known:
            where = f"[{section}] {key}" if section else f"[{key}]"
            raise ConfigError(f"{where}: unknown; known: {', '.join(sorted(known))}")


def _overrides(kind: type[Any], section: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return what the environment sets of one section."""
    names = {f.name: f"HEALTHSLM_{section}_{f.name}".upper() for f in fields(kind)}
    return {key: environ[name] for key, name in names.items() if name in environ}


def _section(kind: type[Any], name: str, table: Mapping[str, Any], wins: Mapping[str, str]) -> Any:
    """Return a section, built one key at a time so that an error names the key."""
    section = kind()
    for strict, values in ((True, table), (False, wins)):  # the environment holds text only
        for key, value in values.items():
            try:
                part = msgspec.convert({key: value}, kind, strict=strict, dec_hook=_path)
            except msgspec.ValidationError as exc:
                why = str(exc).partition(" - at")[0]
                if "regex" in why:
                    hint = get_type_hints(kind, include_extras=True)[key]
                    why = f"want {hint.__metadata__[0].description}"
                elif "enum" in why:
                    why += f"; allowed: {', '.join(get_args(get_type_hints(kind)[key]))}"
                raise ConfigError(f"[{name}] {key}: {why}") from exc
            section = replace(section, **{key: getattr(part, key)})
    return section


def _path(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise TypeError(f"Expected `{kind.__name__}`")


def _check(config: Config) -> None:
    """Raise ConfigError for a value that only its meaning shows to be wrong."""
    address(config.broker.url)
    try:
        ZoneInfo(config.person.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise ConfigError("[person] timezone: no such IANA zone, e.g. Europe/Madrid") from exc
    wording = Path(__file__).parent / "language" / "wording"
    spoken = sorted(p.name for p in wording.iterdir() if p.is_dir() and p.name[0].isalpha())
    if config.person.language not in spoken:
        raise ConfigError(f"[person] language: must be one of {', '.join(spoken)}")


def _loopback(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"
