"""Reasons that more than one verb of this room gives, and the short way to write one."""

from sekisho.kernel.outcome import Reason
from sekisho.kernel.text import Text


def reason(code: str, ja: str, en: str) -> Reason:
    """A reason without a clause: what is, and what to do."""
    return Reason(code, Text(ja, en))


NOT_YOURS = reason(
    "not-yours",
    "これができるのは、情報システム担当課か、その契約の所管課だけです。",
    "Only the systems division or the division that owns the contract can do this.",
)
ONLY_SYSTEMS = reason(
    "only-systems", "これができるのは情報システム担当課だけです。", "Only the systems division can do this."
)
SAY_WHY = reason("say-why", "理由を書いてください。", "Say why.")
ENDS_FIRST = reason("ends-first", "終わりが始まりより前です。", "It ends before it starts.")
