"""A picture shows what the terminal showed: the same characters, colours and weights."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.review import screen
from healthslm.review.screen import ANSI, PLAIN, Style

SPACE = "{http://www.w3.org/2000/svg}"


def shown(text):
    return ["".join(char for char, _ in row) for row in screen.cells(text)]


def looks(text):
    """Return each character that is not a space with its style."""
    return [cell for row in screen.cells(text) for cell in row if cell[0] != " "]


@pytest.mark.parametrize(
    ("sequence", "style"),
    [
        ("1", Style(bold=True)),
        ("2", Style(dim=True)),
        ("3;4;7", Style(italic=True, underline=True, reverse=True)),
        ("31", Style(ink=ANSI[1])),
        ("97", Style(ink=ANSI[15])),
        ("43", Style(paper=ANSI[3])),
        ("100", Style(paper=ANSI[8])),
        ("38;5;9", Style(ink=ANSI[9])),
        ("38;5;208;1", Style(ink="#ff8700", bold=True)),
        ("48;5;255", Style(paper="#eeeeee")),
        ("38;2;1;2;255", Style(ink="#0102ff")),
        ("1;22", PLAIN),
        ("31;39", PLAIN),
        ("41;49", PLAIN),
        ("1;31;42;0", PLAIN),
        ("", PLAIN),
    ],
)
def test_a_sequence_gives_its_look(sequence, style):
    assert looks(f"\x1b[{sequence}mx") == [("x", style)]


def test_a_look_lasts_until_it_is_ended_even_over_lines():
    red = Style(ink=ANSI[1])
    assert looks("a\x1b[31mb\nc\x1b[0md") == [("a", PLAIN), ("b", red), ("c", red), ("d", PLAIN)]


def test_a_progress_line_is_seen_as_it_ended():
    assert shown("10 %\r100 %\n") == ["100 %"]
    assert shown("a long line\r\x1b[Kshort") == ["short"]
    assert shown("abc\x1b[2K\rx") == ["x  "]
    assert shown("abc\b\b\x1b[1KX") == [" Xc"]


def test_tabs_go_to_the_next_eighth_column():
    assert shown("ab\tc") == ["ab      c"]


def test_what_moves_the_cursor_elsewhere_changes_nothing():
    assert shown("a\x1b[2Jb\x1b]0;title\x07c\x1b[?25ld\x1b(Be") == ["abcd" + "Be"]


def test_empty_lines_at_the_end_are_no_part_of_the_picture():
    assert shown("a\n\nb\n\n\n") == ["a", "", "b"]


@given(st.text(st.characters(codec="utf-8"), max_size=80))
def test_any_output_gives_a_picture_that_can_be_read(text):
    ET.fromstring(screen.picture(text))  # noqa: S314


def test_a_line_of_text_is_one_element_on_the_grid():
    root = ET.fromstring(screen.picture("  a <b> & c"))  # noqa: S314
    (text,) = root.find(f"{SPACE}g").findall(f"{SPACE}text")
    assert text.text == "a <b> & c"
    assert float(text.get("x")) == pytest.approx(screen.MARGIN + 2 * screen.CELL_W, abs=0.05)
    assert float(text.get("textLength")) == pytest.approx(9 * screen.CELL_W, abs=0.05)


def test_the_picture_of_a_snippet_is_exactly_this():
    body = screen.picture("\x1b[1;32mok\x1b[0m \x1b[2m⣿\x1b[0m█", title="t").split("<g ")[1]
    assert body.splitlines()[1:-2] == [
        '<text x="16.0" y="55.2" textLength="16.8" lengthAdjust="spacingAndGlyphs" '
        f'fill="{ANSI[2]}" font-weight="bold">ok</text>',
        '<path d="M43.3,44.2h0M43.3,48.8h0M43.3,53.2h0M47.5,44.2h0M47.5,48.8h0M47.5,53.2h0'
        'M43.3,57.8h0M47.5,57.8h0" fill="none" stroke="#d8dee9" stroke-width="3" '
        'stroke-linecap="round" opacity="0.6"/>',
        '<path d="M49.6,60.00v-18.00h8.4v18.00z" fill="#d8dee9"/>',
    ]


def test_every_braille_dot_stands_where_it_should():
    """Dots 1 and 8 are the corners at the top left and at the bottom right."""
    first = screen.picture("\u2801").split('d="')[-1]
    last = screen.picture("\u2880").split('d="')[-1]
    x, y = (float(v) for v in first[1:].split("h0")[0].split(","))
    x8, y8 = (float(v) for v in last[1:].split("h0")[0].split(","))
    assert (x8 - x, y8 - y) == pytest.approx((screen.CELL_W / 2, screen.CELL_H * 3 / 4), abs=0.1)


def test_an_empty_braille_cell_draws_nothing():
    assert screen.picture("\u2800").count("<path") == screen.picture("").count("<path")


@pytest.mark.parametrize("char", screen.LINES)
def test_lines_are_drawn_and_not_set(char):
    body = screen.picture(char).split("<g ")[1]
    assert "<path" in body and char not in body


def test_eighths_grow_from_below_and_from_the_left():
    assert screen._block("▁", 0, 0) == "M0.0,18.00v-2.25h8.4v2.25z"
    assert screen._block("▏", 0, 0) == "M0.0,0h1.05v18H0.0z"


def test_reverse_swaps_ink_and_paper():
    body = screen.picture("\x1b[7;31mx").split("<g ")[1]
    assert f'height="18" fill="{ANSI[1]}"' in body
    assert f'fill="{screen.BACKGROUND}">x' in body


def test_eighty_columns_are_the_least_and_longer_lines_widen_the_picture():
    narrow, wide = (ET.fromstring(screen.picture("x" * n)) for n in (1, 100))  # noqa: S314
    assert float(narrow.get("width")) == pytest.approx(2 * 16 + 80 * 8.4)
    assert float(wide.get("width")) == pytest.approx(2 * 16 + 100 * 8.4)


def test_no_font_and_no_picture_is_fetched_from_anywhere():
    text = screen.picture("⣿ words")
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "DejaVu Sans Mono" in text and "@font-face" not in text
