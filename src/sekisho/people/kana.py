"""五十音 order: names by their furigana, as a paper register would have them. Pure."""

import unicodedata

_SMALL = str.maketrans("ぁぃぅぇぉっゃゅょゎ", "あいうえおつやゆよわ")


def hiragana(text: str) -> str:
    """Furigana in one form: katakana, half-width and full-width all become hiragana, blanks one each."""
    plain = " ".join(unicodedata.normalize("NFKC", text).split())
    return "".join(chr(ord(each) - 0x60) if "ァ" <= each <= "ヶ" else each for each in plain)


def order(furigana: str) -> tuple[str, str]:
    """A sort key. Voiced, small and lengthened sounds stand beside the plain ones and only break ties."""
    read = hiragana(furigana).replace(" ", "")
    bare = "".join(each for each in unicodedata.normalize("NFD", read) if not unicodedata.combining(each))
    return bare.translate(_SMALL).replace("ー", ""), read
