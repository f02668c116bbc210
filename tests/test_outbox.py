"""The outbox carries finished reports and nothing else, and only where it is switched on."""

import datetime
import http.server
import json
import logging
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from healthslm import outbox
from healthslm.cli import main
from healthslm.errors import ConfigError, DeliveryError
from healthslm.share import envelope
from tests.share.given import written

REPORT = b"HSR1" + bytes(range(256)) * 15 + bytes(252)


def settings(folder: Path, to: str, authority: str = "") -> outbox.Settings:
    return outbox.Settings(True, str(folder / "reports"), to, authority)


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """Two finished reports, and what only looks like one."""
    folder = tmp_path / "reports"
    folder.mkdir()
    (folder / "a1.hsr").write_bytes(REPORT)
    (folder / "b2.hsr").write_bytes(written())
    (folder / "c3.hsr").write_bytes(b"HSS1" + REPORT[4:])
    (folder / "d4.hsr").write_bytes(REPORT[:-1])
    (folder / "e5.hsr").symlink_to(folder / "a1.hsr")
    (folder / "vault.db").write_bytes(REPORT)
    (folder / "f6.new").write_bytes(REPORT)
    return folder


LEFT = ["c3.hsr", "d4.hsr", "e5.hsr", "f6.new", "sent", "vault.db"]


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_it_knows_a_report_as_the_format_has_it() -> None:
    assert (envelope.MARKER, envelope.SIZES, envelope.SUFFIX) == (
        outbox.MARKER,
        outbox.SIZES,
        outbox.SUFFIX,
    )


def test_finished_reports_go_to_a_folder_whole_and_then_to_sent(tmp_path, reports) -> None:
    there = tmp_path / "usb"
    there.mkdir()
    done = outbox.run(settings(tmp_path, str(there)))
    assert done == outbox.Counts(sent=2, refused=3, waiting=0)
    assert names(there) == names(reports / "sent") == ["a1.hsr", "b2.hsr"]
    assert (there / "a1.hsr").read_bytes() == REPORT
    assert names(reports) == LEFT
    assert outbox.run(settings(tmp_path, str(there))) == outbox.Counts(0, 3, 0)


def test_where_the_folder_is_not_there_the_reports_wait(tmp_path, reports) -> None:
    done = outbox.run(settings(tmp_path, str(tmp_path / "unplugged")))
    assert done == outbox.Counts(0, 3, 2)
    assert (reports / "a1.hsr").exists() and not (reports / "sent").exists()


def test_a_report_that_was_copied_before_a_power_cut_is_copied_again(tmp_path, reports) -> None:
    (tmp_path / "a1.hsr").write_bytes(b"half")
    (tmp_path / "a1.hsr.new").write_bytes(b"half")
    outbox.run(settings(tmp_path, str(tmp_path)))
    assert (tmp_path / "a1.hsr").read_bytes() == REPORT


class Clinic(http.server.BaseHTTPRequestHandler):
    """Takes what is PUT, or answers with the status it was given."""

    status = 201
    taken: dict[str, bytes]
    headers_seen: list[dict[str, str]]

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        self.headers_seen.append(dict(self.headers))
        if self.status in (200, 201, 204):
            self.taken[self.path] = data
        self.send_response(self.status)
        if self.status // 100 == 3:
            self.send_header("Location", "https://127.0.0.1:9/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def certificate(folder: Path, name: str = "localhost") -> tuple[Path, Path]:
    """Make a server's certificate that is its own authority; return it and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    cert = (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(named)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / f"{name}.pem", folder / f"{name}.secret"
    pem.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    none = serialization.NoEncryption()
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, none))
    return pem, secret


def served(pem: Path, secret: Path, status: int) -> tuple[http.server.HTTPServer, type[Clinic]]:
    handler = type("Handler", (Clinic,), {"status": status, "taken": {}, "headers_seen": []})
    server = http.server.HTTPServer(("127.0.0.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, secret)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a refused handshake
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
    return server, handler


@pytest.fixture
def clinic(
    tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[tuple[str, Path, type[Clinic]]]:
    """Serve on loopback: the URL, the authority, and what was taken."""
    name, status = getattr(request, "param", ("localhost", 201))
    pem, secret = certificate(tmp_path, name)
    server, handler = served(pem, secret, status)
    yield f"https://localhost:{server.server_address[1]}/in/", pem, handler
    server.shutdown()
    server.server_close()


def test_reports_are_put_by_https_beneath_the_url(tmp_path, reports, clinic) -> None:
    url, pem, handler = clinic
    done = outbox.run(settings(tmp_path, url, str(pem)))
    assert done == outbox.Counts(2, 3, 0)
    assert set(handler.taken) == {"/in/a1.hsr", "/in/b2.hsr"}
    assert handler.taken["/in/a1.hsr"] == REPORT


def test_the_server_learns_nothing_from_the_headers(tmp_path, reports, clinic) -> None:
    url, pem, handler = clinic
    outbox.run(settings(tmp_path, url, str(pem)))
    for headers in handler.headers_seen:
        assert set(headers) == {"Host", "Accept-Encoding", "Content-Length", "Content-Type"}


@pytest.mark.parametrize("clinic", [("localhost", s) for s in (302, 307, 403, 500)], indirect=True)
def test_what_is_not_taken_waits_and_no_redirect_is_followed(tmp_path, reports, clinic) -> None:
    url, pem, handler = clinic
    assert outbox.run(settings(tmp_path, url, str(pem))) == outbox.Counts(0, 3, 2)
    assert {"a1.hsr", "b2.hsr"} < set(names(reports)) and not (reports / "sent").exists()
    assert len(handler.headers_seen) == 2


def test_a_server_that_nobody_vouches_for_gets_nothing(tmp_path, reports, clinic) -> None:
    url, _, handler = clinic
    assert outbox.run(settings(tmp_path, url)) == outbox.Counts(0, 3, 2)
    assert handler.headers_seen == []


@pytest.mark.parametrize("clinic", [("elsewhere.example", 201)], indirect=True)
def test_a_server_of_another_name_gets_nothing(tmp_path, reports, clinic) -> None:
    url, pem, handler = clinic
    assert outbox.run(settings(tmp_path, url, str(pem))) == outbox.Counts(0, 3, 2)
    assert handler.headers_seen == []


def test_a_server_that_does_not_answer_is_tried_once(tmp_path) -> None:
    send = outbox.sender("https://127.0.0.1:9/in")
    with pytest.raises(DeliveryError, match="not reached"):
        send("a.hsr", REPORT)


@pytest.mark.parametrize(
    "to",
    [
        "http://clinic.example/in",
        "ftp://clinic.example",
        "clinic",
        "",
        "https://",
        "https://user:secret@clinic.example/",
        "https://clinic.example/?patient=7",
        "https://clinic.example/#x",
        "https://clinic.example:99999/",
        "file:///tmp",
    ],
)
def test_no_other_way_out_is_taken(tmp_path, to) -> None:
    with pytest.raises(ConfigError, match="must be a folder") as caught:
        outbox.sender(to)
    assert "secret" not in str(caught.value)
    (tmp_path / "o.toml").write_text(f'[outbox]\nenabled = true\nto = "{to}"\n')
    with pytest.raises(ConfigError, match="must be a folder"):
        outbox.load(tmp_path / "o.toml")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "outbox is off"),
        (outbox.EXAMPLE, "outbox is off"),
        ("[outbox]\nenabled = 1", "Expected `bool`"),
        ('[outbox]\nenabled = "true"', "Expected `bool`"),
        ("[outbox]\nenable = true", "unknown field `enable`"),
        ("[outbux]\nenabled = true", "unknown field `outbux`"),
        ("[outbox", "not TOML"),
    ],
)
def test_it_is_off_until_its_file_says_otherwise_exactly(tmp_path, text, why) -> None:
    (tmp_path / "o.toml").write_text(text)
    with pytest.raises(ConfigError, match=why):
        outbox.load(tmp_path / "o.toml")


def test_without_a_file_it_is_off_too(tmp_path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        outbox.load(tmp_path / "o.toml")


def test_folders_are_relative_to_its_file(tmp_path, reports) -> None:
    (tmp_path / "o.toml").write_text('[outbox]\nenabled = true\nto = "/nowhere"\n')
    assert outbox.load(tmp_path / "o.toml").reports == str(reports)


def test_the_example_names_every_key() -> None:
    import tomllib

    table = tomllib.loads(outbox.EXAMPLE)["outbox"]
    assert set(table) == set(outbox.Settings.__struct_fields__)
    assert table["enabled"] is False


def test_a_missing_folder_of_reports_or_authority_is_named(tmp_path) -> None:
    with pytest.raises(ConfigError, match="no such folder"):
        outbox.run(settings(tmp_path, str(tmp_path)))
    with pytest.raises(ConfigError, match="no certificates"):
        outbox.sender("https://localhost/", str(tmp_path / "none.pem"))


def run(*arguments: object):
    return CliRunner().invoke(main, ["outbox", *map(str, arguments)], prog_name="healthslm")


def test_the_command_tells_counts_and_no_names(tmp_path, reports, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    file, there = tmp_path / "o.toml", tmp_path / "usb"
    file.write_text(f'[outbox]\nenabled = true\nto = "{there}"\n')
    waits = run("--config", file)
    assert waits.exit_code == 75 and "2 reports could not be handed over" in waits.stderr
    there.mkdir()
    done = run("--config", file, "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {
        "schema": "healthslm/outbox/1",
        "sent": 2,
        "refused": 3,
        "waiting": 0,
    }
    again = run("--config", file)
    assert (again.exit_code, again.stdout) == (0, "0 reports sent\n")
    assert ".hsr" not in caplog.text + waits.output + done.output + again.output


def test_the_command_is_off_and_shows_an_example(tmp_path) -> None:
    example = run("--example")
    assert example.exit_code == 0 and example.stdout == outbox.EXAMPLE
    (tmp_path / "o.toml").write_text(example.stdout)
    off = run("--config", tmp_path / "o.toml")
    assert off.exit_code == 78 and "the outbox is off" in off.stderr
