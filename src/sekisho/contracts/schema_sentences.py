"""What is wrong with a value in a paper's file, and what to write instead, in words: one sentence per kind of error."""

from datetime import date, time
from typing import Any

from sekisho.kernel.text import Text

_SENTENCES = {
    "missing": Text("「{field}」がありません。書き加えてください。", "`{field}` is missing: add it."),
    "extra_forbidden": Text(
        "「{field}」という項目はありません。綴りを確かめるか、消してください。",
        "There is no `{field}` here: check the spelling or remove it.",
    ),
    "literal_error": Text(
        "「{field}」は {expected} のどれかです({given} ではなく)。",
        "`{field}` is one of {expected}, not {given}.",
    ),
    "string_pattern_mismatch": Text(
        "「{field}」の形が違います: {given}。この形で書いてください: {pattern}",
        "`{field}` has the wrong form: {given}. Write it as {pattern}",
    ),
    "string_type": Text(
        '「{field}」は文字で書きます。{given} を引用符 " " で囲んでください。',
        "`{field}` is text: put {given} into quotation marks.",
    ),
    "int_type": Text(
        "「{field}」は整数で、引用符なしで書きます({given} ではなく)。",
        "`{field}` is a whole number without quotation marks, not {given}.",
    ),
    "bool_type": Text(
        "「{field}」は true か false です({given} ではなく)。", "`{field}` is true or false, not {given}."
    ),
    "list_type": Text(
        '「{field}」は並びです。["a", "b"] か、表なら [[{field}]] の見出しで書いてください({given} ではなく)。',
        '`{field}` is a list: write ["a", "b"], or the heading [[{field}]] for tables, not {given}.',
    ),
    "text_or_number": Text(
        "「{field}」の中に書けるのは、引用符で囲んだ文字か整数です({given} ではなく)。",
        "`{field}` holds text in quotation marks or whole numbers, not {given}.",
    ),
    "date_type": Text(
        "「{field}」は日付です。引用符なしで 2026-04-01 のように書いてください({given} ではなく)。",
        "`{field}` is a date: write it without quotation marks, as in 2026-04-01, not {given}.",
    ),
    "model_type": Text(
        "「{field}」は項目の集まりです。[{field}] の見出しの下に、一行に一項目ずつ書いてください。",
        "`{field}` is a table: write its items under the heading [{field}], one a line.",
    ),
    "too_short": Text(
        "「{field}」には {min_length} つ以上書いてください(いまは {actual_length} つ)。",
        "`{field}` needs at least {min_length}; there are {actual_length}.",
    ),
    "string_too_short": Text(
        "「{field}」が空か短すぎます。{min_length} 文字以上で書いてください。",
        "`{field}` is empty or too short: write at least {min_length} characters.",
    ),
    "string_too_long": Text(
        "「{field}」が長すぎます。{max_length} 文字以内で書いてください。",
        "`{field}` is too long: at most {max_length} characters.",
    ),
    "greater_than_equal": Text(
        "「{field}」は {ge} 以上です({given} ではなく)。", "`{field}` is at least {ge}, not {given}."
    ),
    "less_than_equal": Text(
        "「{field}」は {le} 以下です({given} ではなく)。", "`{field}` is at most {le}, not {given}."
    ),
}
_SAME = {"dict_type": "model_type", "model_attributes_type": "model_type"}
_MEMBERS = ("str", "int")
_UNKNOWN = Text(
    "「{field}」の値 {given} は使えません({message})。", "`{field}` cannot be {given}: {message}."
)


def explain(error: dict[str, Any]) -> tuple[str, Text]:
    """A pydantic error (`ValidationError.errors()`) as a code and a sentence with the mend."""
    # One fault of a value that may be either is two errors of pydantic's, each with the type it tried.
    code = "text_or_number" if error["loc"] and error["loc"][-1] in _MEMBERS else error["type"]
    parts = [part for part in error["loc"] if isinstance(part, str) and part not in _MEMBERS]
    words = {"field": parts[-1] if parts else "?", "given": _given(error.get("input"))}
    known = _SENTENCES.get(_SAME.get(code, code), _UNKNOWN)
    words |= {"message": error["msg"], **(error.get("ctx") or {})}
    return code, Text(known.ja.format(**words), known.en.format(**words))


def _given(value: object) -> str:
    """As it stands in the file, or nearly."""
    written = {True: "true", False: "false"}.get(value) if isinstance(value, bool) else None
    return (written or (value.isoformat() if isinstance(value, date | time) else repr(value)))[:80]
