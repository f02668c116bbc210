"""The threat model names tests, tasks, files and sections that exist, and every task there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "threat-model.md").read_text("utf-8")
FOLDER = ROOT / "benchmarks" / "reliability_tasks"
FIELDS = ("Defence", "Tried by", "Remains")
THREATS = {
    title: text for title, text in re.findall(r"^### (.+)\n((?:(?!^##).*\n)*)", PAGE, re.MULTILINE)
}
NAMED = {f"task {name}" for name in re.findall(r"\btask\s+`(\w+)`", PAGE)} | set(
    re.findall(r"\b(?:tests|healthslm|benchmarks|docs)/[\w/.-]+\.\w+", PAGE)
)


def there(named: str) -> bool:
    """Return whether a task or a file that the page names is in the tree."""
    task = named.removeprefix("task ")
    return (FOLDER / f"{task}.py" if task != named else ROOT / named).is_file()


def fields(text: str) -> dict[str, str]:
    """Return what stands under each field of a threat."""
    parts = re.split(r"^- \*\*(.+?)\.\*\* ", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_the_page_names_every_threat_that_was_thought_of() -> None:
    assert len(THREATS) == 20
    for word in (
        "card",
        "device key",
        "powered board",
        "local user",
        "publisher",
        "replayed messages",
        "clinician",
        "report",
        "operator",
        "model",
        "configuration",
        "injection",
        "supply chain",
        "deletion",
        "spliced",
        "timing",
        "flash",
        "passphrase",
        "life of a key",
        "disk",
    ):
        assert any(word in title for title in THREATS), word


@pytest.mark.parametrize("title", THREATS)
def test_each_threat_has_a_defence_that_something_tries_and_says_what_remains(title: str) -> None:
    found = fields(THREATS[title])
    assert tuple(found) == FIELDS
    assert all(len(text.strip()) > 20 for text in found.values())
    tried = found["Tried by"]
    assert re.search(r"tests/[\w/]+\.py", tried)
    assert re.sub(r"tests/[\w/]+\.py|task\s+`\w+`|[,;.\s]", "", tried) == ""  # names, and no words


def test_all_that_the_page_names_exists() -> None:
    assert {named for named in NAMED if not there(named)} == set()


def test_every_task_tries_a_threat() -> None:
    named = {n.removeprefix("task ") for n in NAMED if n.startswith("task ")}
    assert named == {path.stem for path in FOLDER.glob("[a-z]*.py")}


def headings(page: Path) -> set[str]:
    """Return the headings of a page, and the words in bold that begin a paragraph."""
    text = page.read_text("utf-8")
    found = re.findall(r"^#+ (.+)$|^\*\*(.+?)\.?\*\*", text, re.MULTILINE)
    return {first or second for first, second in found}


def test_the_pages_and_sections_that_it_points_to_are_there() -> None:
    links = re.findall(r"\]\(([\w/.-]+)\)((?:,\s+\"\w+\")*)", PAGE)
    assert len(links) >= 4
    for target, sections in links:
        page = ROOT / "docs" / target
        assert page.is_file(), target
        assert set(re.findall(r'"(\w+)"', sections)) <= headings(page), (target, sections)


def test_the_short_page_and_the_readme_point_to_it() -> None:
    for name in ("SECURITY.md", "README.md"):
        assert "(docs/threat-model.md)" in (ROOT / name).read_text("utf-8"), name
