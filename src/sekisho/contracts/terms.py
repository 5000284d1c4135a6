"""Compiles facts into a grant: the intersection of everything that binds, empty when in doubt. Pure.

The doctrine in one sentence: what a document requires, states or permits binds by intersection, what it
forbids is taken away, what was only promised or reported binds nobody, and whatever is required but
missing, unconfirmed, left open or contradictory leaves the grant empty, with every place that says so.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import reduce

from sekisho.contracts.attendance import WORDS, Attendance
from sekisho.contracts.grant import Grant, Term, Value
from sekisho.contracts.hours import Hours
from sekisho.contracts.values import Count, Names
from sekisho.kernel.ids import ContractCode, ContractorCode
from sekisho.kernel.outcome import Reason, Source
from sekisho.kernel.text import Text


class Mode(StrEnum):
    """What a paper does when it says something."""

    STATE = "state"
    REQUIRE = "require"
    PERMIT = "permit"
    FORBID = "forbid"
    PROMISE = "promise"
    REPORT = "report"

    @property
    def binds(self) -> bool:
        return self in (Mode.STATE, Mode.REQUIRE, Mode.PERMIT)


CanForbid = Names | Attendance
"""The domains from which a prohibition can take something away. Of hours and numbers papers say what is allowed."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key that facts may speak of: its domain, what its names name, and whether the gate needs it."""

    code: str
    parse: Callable[[Iterable[object]], Value]
    register: str | None
    """Which register its names must stand in: site, line, person, terminal, system; None where they are words."""
    words: frozenset[str]
    """The words allowed where no register names them; empty means any."""
    required: bool
    text: Text


def _names(
    code: str, ja: str, en: str, register: str | None = None, words: str = "", required: bool = True
) -> Key:
    return Key(code, Names.parse, register, frozenset(words.split()), required, Text(ja, en))  # type: ignore[arg-type]


def _hours(code: str, ja: str, en: str, required: bool = True) -> Key:
    return Key(code, Hours.parse, None, frozenset(), required, Text(ja, en))  # type: ignore[arg-type]


def _count(code: str, parse: Callable[[Iterable[int]], Count], ja: str, en: str) -> Key:
    return Key(code, parse, None, frozenset(), False, Text(ja, en))  # type: ignore[arg-type]


KEYS: Mapping[str, Key] = {
    key.code: key
    for key in (
        _hours("service.hours", "サービス時間帯", "service hours"),
        _names("work.places", "履行場所", "places of work", "site"),
        _names("line.kind", "回線の種類", "kind of line", words="ip-vpn dedicated-line"),
        _names("line.codes", "使う回線", "lines", "line"),
        _names("roster", "従事者名簿", "roster", "person"),
        _names("terminals", "貸与端末", "lent terminals", "terminal"),
        _names("systems", "対象システム", "systems", "system"),
        Key("attendance", Attendance.parse, None, frozenset(WORDS), True, Text("立会い", "attendance")),  # type: ignore[arg-type]
        _count("attendance.number", Count.at_least, "立会う人数", "number attending"),
        _names("attendance.by", "立会う課", "who attends", words="division systems", required=False),
        _count("attendance.minutes", Count.at_most, "在席確認の間隔(分)", "minutes between presence checks"),
        _hours("emergency.hours", "緊急時に入れる時間帯", "hours of emergencies", required=False),
        _count(
            "emergency.longest", Count.at_most, "緊急の作業の最長(時間)", "longest emergency work, in hours"
        ),
        _count("emergency.approval", Count.at_most, "緊急の事後承認まで(時間)", "hours until it is approved"),
        _hours("batch.hours", "無人の定型処理の時間帯", "hours of unattended batch work", required=False),
        _names(
            "batch.authentication",
            "無人の定型処理の認証",
            "authentication of batch work",
            words="terminal+machine",
            required=False,
        ),
        _names("recording", "作業の記録", "recording", words="full-both-directions"),
        _names("authentication", "認証", "authentication", words="terminal+authenticator+password"),
        _names(
            "network.access",
            "市のネットワークへの接続",
            "access to the city's network",
            words="lent-terminal-over-named-line other",
            required=False,
        ),
        _names(
            "media.removable", "外部記憶媒体", "removable media", words="none city-issued", required=False
        ),
        _names("arrangement", "体制", "arrangement", words="remote resident on-call", required=False),
        _count("roster.size", Count.parse, "登録する人数", "number registered"),
        _count("retention.years", Count.parse, "保存年限", "years of retention"),
    )
}
"""Every key there is. A new one is a line here and, where the gate obeys it, a reason in `access/rules.py`."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact of one document version, its value already read."""

    subject: str
    key: str
    mode: Mode
    value: Value
    open_ended: bool
    source: Source
    confirmed: bool
    exception_to: str = ""
    """`CODE@VERSION#CLAUSE` of the prohibition to which this is the named exception."""


@dataclass(frozen=True, slots=True)
class PaperVersion:
    """One version of one paper, whether or not it states any fact."""

    code: str
    version: int
    in_force_from: date
    sha256: str

    @property
    def name(self) -> str:
        """As a fact's source names it."""
        return f"{self.code}@{self.version}"


@dataclass(frozen=True, slots=True)
class ContractFacts:
    """The contract that a grant is compiled for."""

    code: ContractCode
    procurement: str
    contractor: ContractorCode
    starts: date
    ends: date


def compile_grant(
    contract: ContractFacts,
    facts: Iterable[Fact],
    papers: Iterable[PaperVersion],
    on: date,
    holidays: frozenset[date] = frozenset(),
    holidays_until: date = date.max,
) -> Grant:
    """The grant of `contract` as it holds on the day `on`. Facts speak through the newest version in force."""
    in_force = newest_in_force(papers, on)
    names = {paper.name for paper in in_force}
    speaking = [fact for fact in facts if fact.source.document in names and _speaks_of(fact, contract)]
    terms: dict[str, Term] = {}
    problems: list[Reason] = []
    for key in KEYS.values():
        about = sorted((fact for fact in speaking if fact.key == key.code), key=_order)
        answer = _term(key, about)
        if isinstance(answer, Term):
            terms[key.code] = answer
        elif answer is not None:
            problems.append(answer)
    return Grant(
        contract=contract.code,
        contractor=contract.contractor,
        starts=contract.starts,
        ends=contract.ends,
        terms=terms,
        documents=tuple(sorted(f"{paper.name} {paper.sha256}" for paper in in_force)),
        holidays=holidays,
        holidays_until=holidays_until,
        problems=tuple(problems),
    )


def _term(key: Key, facts: list[Fact]) -> Term | Reason | None:
    """The term for one key; a reason where it cannot stand; None where nothing is said and nothing needed."""
    binding = [fact for fact in facts if fact.mode.binds]
    forbidding = [fact for fact in facts if fact.mode is Mode.FORBID and not _excepted(fact, binding)]
    relevant = tuple(fact.source for fact in (*binding, *forbidding))
    if not binding:
        return _problem("term-missing", key, _SAY_MISSING, relevant) if key.required else None
    if unconfirmed := [fact for fact in (*binding, *forbidding) if not fact.confirmed]:
        return _problem("term-unconfirmed", key, _SAY_UNCONFIRMED, tuple(fact.source for fact in unconfirmed))
    if opened := [fact for fact in binding if fact.open_ended]:
        return _problem("term-open", key, _SAY_OPEN, tuple(fact.source for fact in opened))
    value = reduce(_meet, (fact.value for fact in binding))
    if blunt := [fact for fact in forbidding if not isinstance(fact.value, CanForbid)]:
        return _problem("term-not-to-forbid", key, _SAY_BLUNT, tuple(fact.source for fact in blunt))
    for fact in forbidding:
        value = _without(value, fact.value)
    if value.is_empty:
        return _problem("term-contradictory", key, _SAY_CONTRADICTORY, relevant)
    return Term(key.code, value, relevant)


def _meet(one: Value, other: Value) -> Value:
    match one, other:
        case Names(), Names():
            return one.meet(other)
        case Hours(), Hours():
            return one.meet(other)
        case Count(), Count():
            return one.meet(other)
        case Attendance(), Attendance():
            return one.meet(other)
    raise TypeError(f"{one!r} and {other!r} are of different domains")


def _without(value: Value, forbidden: Value) -> Value:
    match value, forbidden:
        case Names(), Names():
            return value.without(forbidden)
        case Attendance(), Attendance():
            return value.without(forbidden)
    raise TypeError(f"{forbidden!r} cannot be taken away from {value!r}")


def newest_in_force(papers: Iterable[PaperVersion], on: date) -> list[PaperVersion]:
    """Of each paper the newest version that is in force on that day, even where it no longer says anything."""
    newest: dict[str, PaperVersion] = {}
    for paper in sorted(papers, key=lambda paper: paper.version):
        if paper.in_force_from <= on:
            newest[paper.code] = paper
    return list(newest.values())


def _speaks_of(fact: Fact, contract: ContractFacts) -> bool:
    subject = fact.subject.split("/", 1)[0]
    return subject in (f"contract:{contract.code}", f"procurement:{contract.procurement}")


def _excepted(prohibition: Fact, binding: Iterable[Fact]) -> bool:
    """Whether a binding fact names itself the exception to exactly this prohibition."""
    place = f"{prohibition.source.document}#{prohibition.source.clause}"
    return any(fact.exception_to == place for fact in binding)


def _order(fact: Fact) -> tuple[str, int, str]:
    return fact.source.document, fact.source.page or 0, fact.source.clause or ""


def _problem(code: str, key: Key, say: Text, sources: tuple[Source, ...]) -> Reason:
    text = Text(say.ja.format(name=key.text.ja), say.en.format(name=key.text.en))
    return Reason(code, text, sources)


_SAY_MISSING = Text(
    "「{name}」がこの契約のどの書類にも定められていません。契約の担当課が書類を直すまで許可は出せません。",
    "No binding paper of this contract states the {name}. No permit until the division mends its papers.",
)
_SAY_UNCONFIRMED = Text(
    "「{name}」の読み取りを市の担当者がまだ確認していません。担当課が確認すると有効になります。",
    "Nobody of the city has confirmed the reading of the {name}. It counts once the division has.",
)
_SAY_OPEN = Text(
    "「{name}」に限りのない言い方(等、その他、同等以上など)があります。登録された名前だけで書き直してください。",
    'The {name} is left open ("other", "or equivalent" …). Write it with registered names only.',
)
_SAY_BLUNT = Text(
    "「{name}」は「禁じる」では書けません。許す範囲を書くよう、担当課が書類の読み取りを直してください。",
    "The {name} cannot be forbidden; state what is allowed. The division must mend the reading.",
)
_SAY_CONTRADICTORY = Text(
    "「{name}」について書類どうしが食い違い、両方を満たすものがありません。どちらが正しいか担当課で直してください。",
    "The papers contradict each other on the {name}: nothing satisfies them all. The division must mend one.",
)
