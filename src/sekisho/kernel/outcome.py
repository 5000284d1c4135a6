"""What a decision answers: expected refusals are values, never exceptions."""

from dataclasses import dataclass

from sekisho.kernel.text import Text


@dataclass(frozen=True, slots=True)
class Source:
    """Where a statement stands on paper: the document version, the place in it, and its words."""

    document: str
    """`code@version`, for example `contract-2@1`."""
    page: int | None = None
    clause: str | None = None
    quote: str = ""

    @property
    def place(self) -> Text:
        ja = [self.document]
        en = [self.document]
        if self.page is not None:
            ja.append(f"{self.page}ページ")
            en.append(f"p. {self.page}")
        if self.clause:
            ja.append(self.clause)
            en.append(self.clause)
        return Text(" ".join(ja), ", ".join(en))


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason for a refusal: a stable code, a sentence for people, and the clauses behind it."""

    code: str
    text: Text
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """No, and every reason why. Never empty: a refusal without a reason is a programming error."""

    reasons: tuple[Reason, ...]

    def __post_init__(self) -> None:
        if not self.reasons:
            raise ValueError("a refusal needs at least one reason")

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(reason.code for reason in self.reasons)
