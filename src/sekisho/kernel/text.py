"""A sentence in the city's two languages, kept side by side so that neither can be forgotten."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence, in Japanese and in English. Both are always there: Japanese is read first."""

    ja: str
    en: str

    def in_language(self, language: str | None) -> str:
        """The sentence in `language` ("ja", "en", "en-us" ...); anything else reads Japanese."""
        return self.en if (language or "").startswith("en") else self.ja
