"""Words, punctuation and slots: split and joined without loss, and numbered for good."""

import pytest

from healthslm.language.tokens import Vocabulary, detokenise, sentences, tokenise
from healthslm.language.wording import languages, load


@pytest.mark.parametrize("lang", languages())
def test_every_clause_comes_back_as_it_was_written(lang):
    for pieces in load(lang).known:
        assert tuple(tokenise(detokenise(pieces))) == pieces
        assert sentences(pieces) == [pieces]


def test_a_slot_is_one_token_and_holds_no_digit():
    assert tokenise("Up to <fever.highest>, then.") == [
        "Up",
        "to",
        "<fever.highest>",
        ",",
        "then",
        ".",
    ]


def test_ids_go_there_and_back():
    vocabulary = Vocabulary(("<pad>", "<end>", "your", "pulse"))
    assert vocabulary.decode(vocabulary.encode(["pulse", "<end>"])) == ["pulse", "<end>"]


def test_an_unknown_word_is_refused_without_naming_it():
    with pytest.raises(ValueError, match="not in the vocabulary") as refused:
        Vocabulary(("a",)).encode(["secret"])
    assert "secret" not in str(refused.value)


def test_a_vocabulary_is_read_as_it_was_saved(tmp_path):
    vocabulary = Vocabulary(("<pad>", "¿", "corazón"))
    vocabulary.save(tmp_path / "tokenizer.json")
    assert Vocabulary.load(tmp_path / "tokenizer.json") == vocabulary


@pytest.mark.parametrize("text", ['{"form": "words/2", "tokens": []}', "[]", "{"])
def test_a_file_of_another_form_is_refused(tmp_path, text):
    path = tmp_path / "tokenizer.json"
    path.write_text(text)
    with pytest.raises(ValueError):
        Vocabulary.load(path)


def test_no_token_stands_twice():
    with pytest.raises(ValueError, match="twice"):
        Vocabulary(("a", "a"))
