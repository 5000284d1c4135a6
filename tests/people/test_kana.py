"""五十音: names in the order in which a paper register has them."""

import random

from sekisho.people.kana import hiragana, order


def test_the_order_of_sounds() -> None:
    """あ to わ; voiced and small sounds beside the plain ones; katakana, half-width and long marks read alike."""
    right = [
        "あおき",
        "いとう",
        "カトウ",
        "がとう",
        "きった",
        "きつだ",
        "さの",
        "サーノ",
        "ばば",
        "はばた",
        "ワタナベ",
    ]
    shuffled = random.Random(7).sample(right, len(right))
    assert sorted(shuffled, key=order) == right


def test_one_form() -> None:
    """Furigana is kept as hiragana with single blanks, however it was typed."""
    assert hiragana("モリ　 ミドリ") == "もり みどり"
    assert hiragana("ﾓﾘ ﾐﾄﾞﾘ") == "もり みどり"
    assert hiragana("ヴァージニア・ウルフ") == "ゔぁーじにあ・うるふ"
