import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

from healthslm import config
from healthslm.errors import ConfigError
from healthslm.language.wording import meanings


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "healthslm.toml"
        path.write_text(text)
        return path

    return write


def test_an_empty_file_is_every_default(write):
    assert config.load(write("")).person == config.Person()


def test_the_written_file_is_read_back_and_names_every_key(write):
    text = config.default_toml("ada", "es", "Europe/Madrid", "061", "unix:///run/m.sock", "box")
    path = write(text)
    read = config.load(path)
    assert read.person == config.Person("ada", "es", "Europe/Madrid", "061")
    assert read.broker.url == "unix:///run/m.sock"
    assert read.store.folder == path.parent / "box"
    for section in fields(config.Config):
        if section.name == "detect":
            continue
        _, _, body = text.partition(f"[{section.name}]")
        body = body.partition("\n[")[0]
        assert all(f"\n{f.name} = " in body for f in fields(getattr(read, section.name)))


def test_the_levels_are_those_that_there_are_words_for():
    assert list(get_args(config.Level)) == list(meanings().levels)


def test_the_model_is_the_bundled_one_another_or_none(write):
    where = [
        config.model(config.load(write(f'[model]\nfolder = "{folder}"')))
        for folder in ("", "~/mine", "none")
    ]
    assert where == [config.resource("models/mini"), Path.home() / "mine", None]


def test_the_written_defaults_are_the_defaults(write):
    path = write(config.default_toml())
    read = config.load(path)
    assert read.daemon == config.Daemon()
    assert (read.model, read.board, read.broker) == (
        config.Model(),
        config.Board(),
        config.Broker(),
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[persn]\n", "[persn]: unknown; known: board, broker, daemon, detect, model, person"),
        ("[person]\nname='x'\n", "[person] name: unknown; known: emergency_number, id, language"),
        ("person = 1\n", "person: must be a section"),
        ("[person]\nid='Ada'\n", "[person] id: want a-z, 0-9, - and _"),
        ("[person]\nlanguage='xx'\n", "[person] language: must be one of en, es"),
        ("[person]\ntimezone='Mars/Base'\n", "[person] timezone: no such IANA zone"),
        ("[person]\nemergency_number='call'\n", "[person] emergency_number: want 2 to 20 digits"),
        (
            "[daemon]\nclock='sun'\n",
            "[daemon] clock: Invalid enum value 'sun'; allowed: wall, data",
        ),
        ("[daemon]\ncommit_s=0\n", "[daemon] commit_s: Expected `float` > 0"),
        ("[daemon]\ncommit_frames=0\n", "[daemon] commit_frames: Expected `int` >= 1"),
        (
            "[person]\nlevel='loud'\n",
            "[person] level: Invalid enum value 'loud'; allowed: plain, plainer, carer, clinician",
        ),
        ("[daemon]\nsummary_hour=24\n", "[daemon] summary_hour: Expected `int` <= 23"),
        ("[store]\nfolder=1\n", "[store] folder: Expected `Path`"),
        ("[voice]\nsocket='voice.sock'\n", "[voice] socket: want the path of a unix socket from /"),
        ("[board]\nwatts='5'\n", "[board] watts: Expected `float`, got `str`"),
        ("[detect]\nfever=1\n", "[detect]: holds sections only"),
        ("x = \n", "not TOML"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_key(write, text, told):
    path = write(text)
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert told in str(caught.value)
    assert caught.value.exit_code == 78


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"No such file.*healthslm init"):
        config.load(tmp_path / "none.toml")


def test_the_environment_wins(write):
    environ = {
        "HEALTHSLM_PERSON_ID": "007",
        "HEALTHSLM_DAEMON_COMMIT_S": "0.5",
        "HEALTHSLM_DAEMON_COMMIT_FRAMES": "4",
        "HEALTHSLM_DAEMON_CLOCK": "data",
        "HEALTHSLM_DATA": "elsewhere",
    }
    read = config.load(write("[daemon]\ncommit_s = 2.0\n"), environ)
    assert read.person.id == "007"
    assert read.daemon == config.Daemon("data", 0.5, 4)
    with pytest.raises(ConfigError, match="commit_s"):
        config.load(write(""), {"HEALTHSLM_DAEMON_COMMIT_S": "soon"})


@pytest.mark.parametrize(
    "url",
    [
        "mqtt://127.0.0.1", "mqtt://127.3.2.1:2000", "mqtt://[::1]:1883", "mqtt://localhost:1",
        "unix:///run/mosquitto.sock",
    ],
)  # fmt: skip
def test_brokers_on_this_machine_are_allowed(url):
    config.address(url)


@pytest.mark.parametrize(
    "url",
    [
        "mqtt://10.0.0.5", "mqtt://example.org", "mqtt://0.0.0.0", "mqtt://localhost.example.org",
        "mqtt://127.0.0.1.nip.io", "mqtt://[::]", "mqtt://", "mqtts://127.0.0.1", "tcp://127.0.0.1",
        "unix://relative", "127.0.0.1:1883", "", "mqtt://127.0.0.1:99999", "mqtt://[::1",
    ],
)  # fmt: skip
def test_plain_mqtt_over_a_network_is_refused(url):
    with pytest.raises(ConfigError, match="url"):
        config.address(url)


def test_a_password_in_the_url_is_used_and_never_shown():
    where = config.address("mqtt://healthslm:s%2Fcret@127.0.0.1:7")
    assert (where.username, where.password, where.port) == ("healthslm", "s/cret", 7)
    assert "cret" not in repr(where)


def test_parameters_of_a_detector_can_be_set(write):
    read = config.load(write("[detect.tachycardia]\namber_bpm = 130\n"))
    assert config.detectors(read)["tachycardia"].amber_bpm == 130
    assert config.detectors(config.Config())["tachycardia"].amber_bpm != 130


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[detect.happiness]\n", r"\[detect\] happiness: unknown; known: .*bradycardia"),
        ("[detect.fever]\nheat = 1\n", r"\[detect.fever\] heat: unknown; known: "),
        ("[detect.tachycardia]\namber_bpm = 'x'\n", r"amber_bpm: Expected `float`, got `str`"),
    ],
)
def test_a_detector_or_parameter_that_is_not_there_is_named(write, text, told):
    with pytest.raises(ConfigError, match=told):
        config.detectors(config.load(write(text)))


def test_the_bundled_folders_are_found():
    for name in ("sensors", "models/mini"):
        assert config.resource(name).is_dir()


@pytest.mark.parametrize("module", ["config", "ledger", "days"])
def test_reading_configuration_and_counts_loads_no_numpy(module):
    code = f"import sys, healthslm.{module}; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path.cwd()).returncode == 0
