"""Both languages say everything, with the same placeholders, and readers get the one they ask for."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from marque.app.words import LANGUAGES, choose_language, words_of
from marque.driving.observation import Kind
from marque.driving.view import Reason

ENGLISH = words_of("en").messages
CHINESE = re.compile("[\u4e00-\u9fff]")


def placeholders(text):
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_catalogue_has_the_same_keys_and_placeholders(language):
    messages = words_of(language).messages
    assert messages.keys() == ENGLISH.keys()
    assert {key: placeholders(text) for key, text in messages.items()} == {key: placeholders(text) for key, text in ENGLISH.items()}
    assert all(text.strip() for text in messages.values())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_a_full_sentence_driving_and_standing(language, reason):
    messages = words_of(language).messages
    assert messages[f"short.{reason.name}"]
    for state in ("moving", "standing"):
        assert messages[f"{state}.{reason.name}"].endswith((".", "\u3002"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_road_user_has_a_name(language):
    assert all(words_of(language).messages[f"kind.{kind.name}"] for kind in Kind)


def test_chinese_sentences_use_chinese_punctuation():
    wrong = {
        key: text for key, text in words_of("zh").messages.items() if CHINESE.search(text) and re.search(r"[,;:!?](?!\S*[a-z])|\.$", text)
    }
    assert wrong == {}


@pytest.mark.parametrize(
    ("wanted", "remembered", "accepted", "language"),
    [
        (None, None, "", "en"),
        (None, None, "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        (None, None, "fr, zh-Hant;q=0.4, en;q=0.5", "en"),
        (None, None, "zh;q=0, de", "en"),
        (None, None, "zh;q=much, ;;, en", "en"),
        (None, "zh", "en", "zh"),
        ("en", "zh", "zh", "en"),
        ("xx", "zh", "en", "zh"),
        ("../en", "", "zh", "zh"),
    ],
)
def test_the_reader_gets_the_language_asked_for(wanted, remembered, accepted, language):
    assert choose_language(wanted, remembered, accepted) == language
