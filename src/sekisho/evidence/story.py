"""What a bundle's entries tell about their session, and whether they tell all of it. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sekisho.evidence.bundle import CHUNK_BYTES, closing_detail
from sekisho.evidence.record import Record
from sekisho.evidence.tags import Tag
from sekisho.kernel.text import Text

MOST_NAMED = 100
ENDS = (Tag.SESSION_ENDED, Tag.SESSION_RECOVERED)


@dataclass(frozen=True, slots=True)
class RecordingDigest:
    """What the end of a session says of its recording: size, and root over its chunks in hex."""

    bytes: int
    root: str


@dataclass(frozen=True, slots=True)
class Story:
    """One session as its entries tell it. `problems` are (place, what is wrong)."""

    about: str
    recording: RecordingDigest | None = None
    problems: tuple[tuple[str, Text], ...] = ()
    remarks: tuple[Text, ...] = field(default=())

    @classmethod
    def read(cls, payloads: Sequence[bytes], records: Sequence[Record]) -> "Story":
        """Judges all entries of a bundle, in the log's order; the last one must be the export's record."""
        closing = records[-1] if records else None
        sessions = [each for each in closing.subjects if each.startswith("session:")] if closing else []
        if closing is None or closing.tag != Tag.BUNDLE_EXPORTED or len(sessions) != 1:
            return cls("", problems=((f"line {len(records)}", _NOT_CLOSED),))
        about = sessions[0]
        own = [record for record in records if about in record.subjects]
        problems = [*_missing_or_added(payloads, closing), *_gaps(own)]
        ends = [record for record in own if record.tag in ENDS]
        remarks = () if any("ordinal" in end.detail for end in ends) else (_NEVER_CLOSED_BY_GATE,)
        return cls(about, recording_of(ends), tuple(problems), remarks)


def _missing_or_added(payloads: Sequence[bytes], closing: Record) -> list[tuple[str, Text]]:
    said = {name: closing.detail.get(name) for name in ("entries", "root")}
    if said == closing_detail(payloads[:-1]):
        return []
    found = len(payloads) - 1
    return [
        (
            "",
            Text(
                f"書き出しの記録は{said['entries']}件の記録を束ねましたが、ここにある{found}件と一致しません。"
                "欠けたか、加わったか、入れ替わっています。",
                f"The export's record bound {said['entries']} entries, which are not the {found} that are here:"
                " some were dropped, added or swapped.",
            ),
        )
    ]


def _gaps(own: Sequence[Record]) -> list[tuple[str, Text]]:
    """The gate numbers its records of a session from one; the end carries the last number."""
    problems = [
        ("", _lacks(name))
        for name, tags in (("SESSION_OPENED", (Tag.SESSION_OPENED,)), ("SESSION_ENDED", ENDS))
        if not any(record.tag in tags for record in own)
    ]
    numbered = [(each, number) for each in own if isinstance(number := each.detail.get("ordinal"), int)]
    times = Counter(number for _, number in numbered)
    said = [number for each, number in numbered if each.tag in ENDS]
    last = said[-1] if said else max(times, default=0)
    wrong = [number for number in range(1, min(last, len(own) + MOST_NAMED) + 1) if times[number] != 1]
    wrong += [number for number in sorted(times) if not 1 <= number <= last]
    return problems + [("", _misnumbered(number, times[number])) for number in wrong[:MOST_NAMED]]


def recording_of(records: Sequence[Record]) -> RecordingDigest | None:
    """The recording's digest, as the last end of a session among `records` gives it."""
    for end in reversed([record for record in records if record.tag in ENDS]):
        said = end.detail.get("recording")
        if isinstance(said, Mapping):
            size, digest = said.get("bytes"), said.get("root")
            if said.get("chunk_bytes") == CHUNK_BYTES and isinstance(size, int) and isinstance(digest, str):
                return RecordingDigest(size, digest)
    return None


def _lacks(name: str) -> Text:
    return Text(f"接続の記録 {name} がありません。", f"The session's record {name} is missing.")


def _misnumbered(number: int, times: int) -> Text:
    return Text(
        f"関門がこの接続について残した{number}番目の記録が{times}件あります(1件のはずです)。",
        f"The gate's record number {number} of this session is here {times} times instead of once.",
    )


_NOT_CLOSED = Text(
    "最後の記録が、この束の書き出しの記録ではありません。末尾が欠けたか、入れ替わっています。",
    "The last entry is not the record of this bundle's export: the end was dropped or swapped.",
)
_NEVER_CLOSED_BY_GATE = Text(
    "関門はこの接続の終わりを自分で記録していません(停止や故障)。最後の記録の後に何があったかは、記録からは分かりません。",
    "The gate did not record the end of this session itself (it stopped or failed):"
    " what came after its last record cannot be told from the evidence.",
)
