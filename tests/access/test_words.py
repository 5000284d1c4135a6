"""Nobody reads a bare code: every word that can appear on a screen is there in both languages."""

from collections.abc import Iterable, Mapping

import pytest

from sekisho.access.facts import EndReason
from sekisho.access.models import Permit
from sekisho.access.rules import ReasonCode
from sekisho.access.sentences import END_REASONS, PERMIT_STATES, SENTENCES
from sekisho.access.tag_sentences import SAY
from sekisho.contracts.terms import KEYS
from sekisho.contracts.values import Names
from sekisho.contracts.words import WORDS
from sekisho.evidence.tags import Tag
from sekisho.kernel.text import Text

JAPANESE = range(0x3040, 0xA000)


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        (SAY, Tag),
        (SENTENCES, ReasonCode),
        (END_REASONS, EndReason),
        (PERMIT_STATES, Permit.State),
        (WORDS, {word for key in KEYS.values() for word in key.words}),
    ],
    ids=["events", "refusals", "ends", "states of a permit", "words of the terms"],
)
def test_every_code_has_its_sentence(words: Mapping[str, Text], needed: Iterable[str]) -> None:
    """Each code there is has its sentence, none speaks of a code that is gone, both languages are filled."""
    assert set(words) == {str(each) for each in needed}
    for code, text in words.items():
        assert text.ja.strip(), code
        assert text.en.strip(), code
        assert not any(ord(letter) in JAPANESE for letter in text.en), code
        assert any(ord(letter) in JAPANESE for letter in text.ja), code


def test_every_refusal_says_what_is_and_what_to_do() -> None:
    """A refusal is at least a whole sentence; where it names what is allowed, both languages do."""
    for code, text in SENTENCES.items():
        assert text.ja.endswith("。") or "{term}" in text.ja, code
        assert ("{term}" in text.ja) == ("{term}" in text.en), code


def test_terms_are_shown_in_words() -> None:
    """Fixed words are spoken; a registered name stands as it is where no register is at hand."""
    shown = Names(frozenset({"ip-vpn", "dedicated-line"})).show()
    assert shown == Text("専用線、IP-VPN(閉域網)", "dedicated line, IP-VPN")
    assert Names(frozenset({"pc-01"})).show().ja == "pc-01"
    assert Names(frozenset()).show().en == "none"


def test_the_cut_has_one_word() -> None:
    """遮断 everywhere, as the glossary says; never 切断, never 切る."""
    for words in (SAY, SENTENCES, END_REASONS):
        for code, text in words.items():
            assert "切断" not in text.ja, code
            assert "切る" not in text.ja, code
            assert "切った" not in text.ja, code
