"""`healthslm ask` at its boundary: what is printed, and that no question stays anywhere."""

import json
import os
import pty
import re
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from healthslm import vault
from healthslm.cli import main
from healthslm.config import default_toml
from healthslm.language import router
from healthslm.records import Finding, Vital

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"
WORDS = "an old boat on five slow rivers"


def run(*arguments: object, stdin: str | None = None) -> Result:
    env = dict.fromkeys(("NO_COLOR", "FORCE_COLOR", "HEALTHSLM_STORE"), None)
    return CliRunner(env=env).invoke(
        main, [str(a) for a in arguments], prog_name="healthslm", input=stdin
    )


def described() -> set[str]:
    """Return the keys that docs/commands.md gives the document."""
    text = PAGE.read_text("utf-8").partition("### `healthslm/answer/1`")[2].partition("\n### ")[0]
    rows = re.findall(r"^\| (`[^|]*) \|", text, re.MULTILINE)
    return {key for row in rows for key in re.findall(r"`([a-z_0-9]+)`", row)}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a store that holds the last hour: pulse and oxygen, and a fast pulse."""
    folder, now = tmp_path_factory.mktemp("home"), time.time()
    (folder / "healthslm.toml").write_text(default_toml(emergency_number="999"))
    vault.create(folder / "store", WORDS, now_s=now, profile=vault.PROFILES["cheapest"])
    fast = (("highest_bpm", 151.0), ("limit_bpm", 120.0))
    held: list[Any] = [Vital("heart_rate", "band/ppg", now - 60 * n, 64.0) for n in range(1, 25)]
    held += [Vital("spo2", "band/spo2", now - 60 * n, 97.0) for n in range(1, 25)]
    held += [Finding("tachycardia", "band/ppg", now - 900, now - 600, "amber", fast)]
    with vault.Store.open(folder / "store") as store:
        store.commit([], held, b"", now_s=now)
    return folder


def test_a_question_is_answered_from_the_store(home: Path) -> None:
    result = run("ask", "what is my oxygen right now", "--store", home)
    assert result.exit_code == 0, result.output
    assert "97 percent" in result.stdout


def test_why_shows_the_facts_and_the_number_of_records(home: Path) -> None:
    result = run("ask", "how high is my pulse right now", "--why", "--store", home)
    assert "highest=151.0" in result.stderr
    assert "records" in result.stderr
    assert "999" in result.stdout  # the amber action


def test_stdin_and_the_argument_say_the_same(home: Path) -> None:
    asked = "what is my oxygen right now"
    said = [
        run("ask", asked, "--store", home),
        run("ask", "-", "--store", home, stdin=asked),
        run("ask", "--store", home, stdin=asked),
    ]
    assert len({r.stdout for r in said}) == 1


def test_the_document_holds_what_the_page_describes_and_not_the_question(home: Path) -> None:

    result = run("ask", "what is my oxygen right now zq", "--json", "--store", home)
    data = json.loads(result.stdout)
    assert data.pop("schema") == "healthslm/answer/1"
    assert set(data) == described()
    assert "zq" not in result.stdout
    assert data["records"] > 0


@pytest.mark.parametrize(
    ("text", "lang"), [("my chest hurts", "es"), ("me duele el pecho", "en"), ("chest pain", "en")]
)
def test_an_emergency_is_answered_in_any_language_without_a_store(
    text: str, lang: str, tmp_path: Path
) -> None:
    result = run("ask", text, "--lang", lang, "--store", tmp_path)
    assert result.exit_code == 0, result.output
    assert ("emergency" if lang == "en" else "urgencia") in result.stdout


def test_an_emergency_names_the_configured_number_and_opens_no_store(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shut(*_: object) -> None:
        raise AssertionError("the store was opened")

    monkeypatch.setattr(vault.Store, "open", shut)
    assert "999" in run("ask", "I have chest pain", "--store", home).stdout
    assert "care team" in run("ask", "should I stop my pills", "--store", home).stdout


def test_rules_answer_before_anything_learnt_is_loaded(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shut() -> None:
        raise AssertionError("the model was read")

    monkeypatch.setattr(router, "model", shut)
    assert "999" in run("ask", "I have chest pain", "--store", home).stdout
    assert "alone" in run("ask", "I want to die", "--store", home).stdout


def test_without_a_store_a_question_for_data_fails_kindly(tmp_path: Path) -> None:
    result = run("ask", "what was my pulse yesterday", "--store", tmp_path)
    assert result.exit_code == 78
    assert "no store here" in result.stderr


def test_what_is_too_long_is_refused_kindly(home: Path) -> None:
    result = run("ask", "pulse " * 200, "--store", home)
    assert result.exit_code == 0
    assert "too long" in result.stdout


def test_an_unknown_level_or_language_is_refused(home: Path) -> None:
    assert run("ask", "pulse", "--level", "loud", "--store", home).exit_code == 2
    assert run("ask", "pulse", "--lang", "xx", "--store", home).exit_code == 2


def test_nothing_of_a_question_is_left_on_disk(home: Path) -> None:
    mark = "zqmarkqz"
    run("ask", f"what was my pulse today {mark}", "--store", home)
    assert not [p for p in home.rglob("*") if p.is_file() and mark.encode() in p.read_bytes()]


def test_a_dialogue_remembers_the_question_before(home: Path) -> None:
    """On a terminal: a question, one that leans on it, and an empty line ends."""
    pid, terminal = pty.fork()
    if pid == 0:
        code = "from healthslm.cli import main; main(prog_name='healthslm')"
        os.execv(sys.executable, [sys.executable, "-c", code, "ask", "--store", str(home)])  # noqa: S606
    os.write(terminal, b"what is my pulse right now\nand my oxygen\n\n")
    said = b""
    try:
        while piece := os.read(terminal, 4096):
            said += piece
    except OSError:
        pass
    os.waitpid(pid, 0)
    assert b"64 beats a minute" in said
    assert b"97 percent" in said
