"""Why a permit cannot be: every reason that stands against a wish, or against a decision. No writes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sekisho.access.models import Job, Permit
from sekisho.access.reasons import ENDS_FIRST, SAY_WHY, reason
from sekisho.contracts.hours import Hours
from sekisho.contracts.models import Contract, System
from sekisho.contracts.reading import grant_of
from sekisho.contracts.values import Names
from sekisho.kernel.clock import TOKYO
from sekisho.kernel.outcome import Reason, Refused, Source
from sekisho.kernel.text import Text
from sekisho.people.models import Person
from sekisho.people.roles import Role


@dataclass(frozen=True, slots=True)
class Wish:
    """What a manager asks for."""

    contract: Contract
    system: System
    operators: tuple[Person, ...]
    starts: datetime
    ends: datetime
    work: str
    rollback: str
    great_change: bool = False
    """Whether the work changes the system greatly: then city staff attend it."""
    job: bool = False
    """A standing permit for an unattended job, whose hours are its own (`jobs.py`)."""


def wish_of(permit: Permit, ends: datetime | None = None) -> Wish:
    """A permit as the wish it fulfils."""
    return Wish(
        permit.contract,
        permit.system,
        tuple(permit.operators.all()),
        permit.starts,
        ends or permit.ends,
        permit.work,
        permit.rollback,
        permit.great_change,
        Job.objects.filter(permit=permit).exists(),
    )


def refusal(*groups: Iterable[Reason]) -> Refused | None:
    reasons = tuple(reason for group in groups for reason in group)
    return Refused(reasons) if reasons else None


def wrong_requester(wish: Wish, by: Person) -> list[Reason]:
    if by.role_of is not Role.MANAGER or by.contractor_id != wish.contract.contractor_id:
        return [_NOT_MANAGER]
    return []


def wrong_wish(wish: Wish, now: datetime) -> list[Reason]:
    reasons = [] if wish.starts < wish.ends else [ENDS_FIRST]
    reasons += [OVER] if wish.ends <= now else []
    reasons += [] if wish.operators else [_NOBODY]
    reasons += [_NO_WORK] if not wish.work.strip() else []
    reasons += [_NO_ROLLBACK] if not wish.rollback.strip() else []
    return [*reasons, *outside_terms(wish)] if wish.starts < wish.ends else reasons


def outside_terms(wish: Wish, hours_key: str = "service.hours") -> list[Reason]:
    """What of the wish the contract's terms do not allow, each with its clause.

    `hours_key`: the term by whose hours it is judged; the caller knows that it is stated.
    """
    grant = grant_of(wish.contract, day_of(wish.starts))
    if grant.empty:
        return list(grant.problems)
    reasons: list[Reason] = []
    systems, roster = grant.terms["systems"], grant.terms["roster"]
    if isinstance(systems.value, Names) and wish.system.code not in systems.value.names:
        reasons.append(_not_in_terms("system", systems.sources, wish.system.name, wish.system.name_en))
    if isinstance(roster.value, Names):
        for person in wish.operators:
            if person.login not in roster.value.names or not person.is_active:
                reasons.append(_not_in_terms("operator", roster.sources, person.name, person.name))
    hours = grant.terms[hours_key]
    if not wish.job and isinstance(hours.value, Hours):
        inside = hours.value.contains(wish.starts, grant.holidays)
        if not inside or hours.value.until(wish.starts, grant.holidays) < wish.ends:
            shown = hours.value.show()
            text = Text(
                f"申請の時間が契約のサービス時間帯({shown.ja})に収まりません。時間を直すか、日ごとに分けてください。",
                f"The time is not inside the contract's hours ({shown.en}). Change it, or split it by day.",
            )
            reasons.append(Reason("outside-hours", text, hours.sources))
    if not grant.starts <= day_of(wish.starts) <= day_of(wish.ends) <= grant.ends:
        reasons.append(_OUTSIDE_CONTRACT)
    return reasons


def _not_in_terms(what: str, sources: tuple[Source, ...], ja: str, en: str) -> Reason:
    return Reason(
        f"{what}-not-in-terms",
        Text(f"「{ja}」は契約で定めたものではありません。", f'"{en}" is not named by the contract.'),
        sources,
    )


def not_in(row: Permit, state: Permit.State) -> list[Reason]:
    if row.state == state:
        return []
    return [
        Reason(
            "state-changed",
            Text(
                f"この許可はいま「{row.state_text.ja}」です。何も変えていません。下の内容を読み直してください。",
                f"This permit is now {row.state_text.en}. Nothing was changed; read it again below.",
            ),
        )
    ]


def amended(row: Permit, permit: Permit, seen: str | None) -> list[Reason]:
    return [] if row.edition == (permit.edition if seen is None else seen) else [_AMENDED]


def by_its_own_lane(row: Permit) -> list[Reason]:
    """An emergency is opened, not approved; and not made longer."""
    return [_EMERGENCY] if row.emergency else []


def asked_anew(row: Permit) -> list[Reason]:
    """A job is not amended and not extended: its content was what was permitted."""
    return [*by_its_own_lane(row), *([_JOB] if Job.objects.filter(permit=row).exists() else [])]


def not_owner(row: Permit, by: Person) -> list[Reason]:
    owner = by.role_of is Role.DIVISION and by.division_id == row.contract.division_id
    return [] if owner else [_NOT_OWNER]


def not_city(row: Permit, by: Person) -> list[Reason]:
    return [] if by.role_of is Role.SYSTEMS else not_owner(row, by)


def empty(text: str) -> list[Reason]:
    return [] if text.strip() else [SAY_WHY]


def day_of(moment: datetime) -> date:
    return moment.astimezone(TOKYO).date()


_NOT_MANAGER = reason(
    "not-manager",
    "申請できるのは、この契約の受託者の管理者だけです。",
    "Only a manager of this contract's contractor can ask.",
)
_AMENDED = reason(
    "amended",
    "あなたが読んだ後に、申請の内容が直されました。何も変えていません。下の新しい内容を読んでから決めてください。",
    "The request was amended after you read it. Nothing was changed; read what it says now, then decide.",
)
_NOT_OWNER = reason(
    "not-owner",
    "決められるのは、この契約の所管課だけです。",
    "Only the division that owns this contract decides.",
)
_EMERGENCY = reason(
    "emergency",
    "これは緊急の作業です。当番の職員が開け、所管課が事後に承認します。延ばすには、あらためて求めてもらってください。",
    "This is an emergency: who is on call opens it, the division approves it afterwards. It is not extended.",
)
_JOB = reason(
    "job",
    "無人の定型処理の許可は、直すことも延ばすこともできません。新しいコードで申請してください。",
    "A job's permit is neither amended nor extended. Request it anew, under another code.",
)
OVER = reason("over", "その時間はもう過ぎています。", "That time is already over.")
_NOBODY = reason("nobody", "作業者を一人以上選んでください。", "Choose at least one operator.")
_NO_WORK = reason("no-work", "作業の内容を書いてください。", "Say what will be done.")
_NO_ROLLBACK = reason("no-rollback", "元に戻す手順を書いてください。", "Say how it is undone.")
NOT_LATER = reason(
    "not-later", "延長は、いまの終わりより後でなければなりません。", "An extension ends later than now."
)
_OUTSIDE_CONTRACT = reason(
    "outside-contract", "申請の日が契約期間の外です。", "The days are outside the contract's term."
)
