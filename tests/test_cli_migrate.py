"""`healthslm store migrate`: what it says, and that nothing else opens a store that needs it."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from benchmarks import store_1
from healthslm import config, daemon, service, vault
from healthslm.cli import main
from healthslm.errors import ConfigError


def run(*arguments: object) -> Result:
    return CliRunner(env={"HEALTHSLM_STORE": None}).invoke(main, [str(a) for a in arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a store of format 1."""
    return store_1.frozen(tmp_path / "store")


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """Return a file with the owner's passphrase."""
    path = tmp_path / "words"
    path.write_text(f"{store_1.PASSPHRASE}\n")
    path.chmod(0o600)
    return path


def migrate(folder: Path, words: Path) -> Result:
    return run("store", "migrate", "--store", folder, "--passphrase-file", words)


@pytest.mark.parametrize("command", [["status"], ["summary"], ["review", "list"]])
def test_commands_say_what_to_do_with_an_earlier_format(folder: Path, command: list[str]) -> None:
    result = run(*command, "--store", folder)
    assert result.exit_code == 78
    assert "of format 1, and nothing was changed; `healthslm store migrate`" in result.stderr


def test_the_daemon_says_so_too_and_changes_nothing(folder: Path) -> None:
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    settings = config.Config(store=config.Store(folder))
    with pytest.raises(ConfigError, match="healthslm store migrate"):
        daemon.run(settings)
    after = {p.name: p.read_bytes() for p in folder.iterdir()}
    assert {n: b for n, b in after.items() if n in before} == before


def test_a_store_is_migrated_and_says_how_much_came_over(folder: Path, words: Path) -> None:
    result = migrate(folder, words)
    assert result.exit_code == 0, result.output
    assert "migrated: 28 sealed contents came over" in result.stderr
    with vault.Store.open(folder) as store:
        assert store.state() == store_1.state(store_1.COMMITS)


def test_while_the_daemon_works_nothing_is_migrated(folder: Path, words: Path) -> None:
    with service.alone(folder):
        result = migrate(folder, words)
    assert result.exit_code == 78
    assert "another daemon" in result.stderr
    with pytest.raises(ConfigError, match="format 1"):
        vault.Store.open(folder)
