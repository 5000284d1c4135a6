"""The demo's story up to the moment the operator connects, told through the product's own verbs.

A city is founded, its papers imported, its people enrolled, a PC certified; the contractor's manager requests a
permit, the owning division approves it, the systems division opens the line.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TypeVar

from examples.demo.contractor import Desk
from examples.demo.fido_agent import FidoKey
from examples.demo.target import DemoTarget
from sekisho.commands.founding import found, migrate
from sekisho.commands.shell import asking
from sekisho.kernel.clock import TOKYO
from sekisho.kernel.era import fiscal_year
from sekisho.kernel.installation import Installation, Options
from sekisho.kernel.outcome import Refused

DOSSIER = Path(__file__).parents[1] / "shiomino"
PASSWORD = "shiomino-demo-2222"
CONTRACT, SYSTEM, LINE, TERMINAL = "r8-4", "juki", "minato-vpn", "pc-01"
"""The contract with service round the clock: the demo works at any hour of any day."""
STAFF, OWNER, MANAGER, OPERATOR = "shirai", "kuroda", "oshima", "mori"
ACCOUNTS = (STAFF, OWNER, MANAGER, OPERATOR, "mizuno", "noda", "kawai")
RULE = "═" * 78

T = TypeVar("T")


@dataclass
class Script:
    """The city as founded, the operator's desk, and what to tell whoever started the demo."""

    installation: Installation
    desk: Desk
    accounts: list[tuple[str, str, str]]
    told: bool = False

    def say_once(self, say: Callable[[str], None]) -> None:
        if not self.told:
            self.told = True
            say(self.instructions())

    def instructions(self) -> str:
        url, home = self.installation.console_url, self.installation.home
        rows = [f"     {login:<8} {role_ja} / {role_en}" for login, role_ja, role_en in self.accounts]
        return "\n".join(
            (
                RULE,
                " 関所の実演: 架空の汐見野市。ここにあるものはすべて作りごとです。",
                " Sekisho, the demo: the fictional city of Shiomino. Everything here is invented.",
                "",
                f"   1. 開く / open      {url}/",
                f"   2. 入る / sign in   {STAFF}   {PASSWORD}",
                "                       次に黄色い枠の「デモ専用の認証器」/ then the authenticator in the yellow box",
                "   3. 見る / watch     「いま中にいる人」の名前を押す / the name under “inside now”",
                "   4. 遮断 / cut       赤いボタンを押す。何ミリ秒で終わったかが出ます / the red button",
                "   5. 戻す / release   作業者は15秒ごとに入り直そうとして、解除するまで拒まれます(メニューの「遮断」)",
                "                       he tries again every 15 s and is refused until you release it (“Latches”)",
                "",
                f"   窓口の接続表示 / the sign at the counter:  http://127.0.0.1:{self.installation.options.sign_port}/",
                f"   画面なしで遮断する / cut without the console:  .venv/bin/sekisho cut --everything --home {home}",
                "",
                f"   ほかの利用者 / other accounts (同じパスワード / same password: {PASSWORD})",
                *rows,
                "",
                "   終える / end: Ctrl-C",
                RULE,
            )
        )


def play_until_connected(
    home: Path, web_port: int, gate_port: int, sign_port: int, target: DemoTarget
) -> Script:
    """Founds the demo's city in the new folder `home` and plays the story as far as an open line."""
    options = Options(
        web_port=web_port,
        gate_port=gate_port,
        sign_address="127.0.0.1",
        sign_port=sign_port,
        log_origin="demo.shiomino.invalid/log-1",
    )
    installation = found(home, options, demo=True)
    target.make(installation.keys / "gate-ca.pub")
    desk = _desk(installation, gate_port)
    migrate(home)
    now = datetime.now(UTC)
    _import_papers(installation, target, desk, now)
    accounts = _enrol(desk, now)
    _certify(installation, desk, now)
    _permit_and_open(now)
    _plan(now)
    return Script(installation, desk, accounts)


def _desk(installation: Installation, gate_port: int) -> Desk:
    folder = installation.home / "desk"
    folder.mkdir(mode=0o700)
    desk = Desk(folder, OPERATOR, SYSTEM, gate_port, FidoKey(), PASSWORD)
    desk.make_terminal_key()
    host_key = " ".join((installation.keys / "gate-host-key.pub").read_text().split()[:2])
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{gate_port} {host_key}\n")
    return desk


def _import_papers(installation: Installation, target: DemoTarget, desk: Desk, now: datetime) -> None:
    """Imports a copy of the papers: with this demo's own keys and ports, in force this fiscal year."""
    from sekisho.contracts.service import import_dossier

    copy = installation.home / "dossier"
    copy.mkdir()
    for paper in DOSSIER.glob("*.toml"):
        text = _this_year(paper.read_text("utf-8"), now.astimezone(TOKYO).date())
        text = _with(
            text, "system", SYSTEM, port=target.port, account=target.account, host_keys=[target.host_key]
        )
        text = _with(text, "terminal", TERMINAL, public_key=desk.terminal_public_key)
        (copy / paper.name).write_text(text, "utf-8")
    _must(import_dossier(copy, asking().actor, now))


def _this_year(text: str, today: date) -> str:
    """Moves the contracts' five years so that they began with the present fiscal year."""
    year = fiscal_year(today)
    return text.replace("2026-04-01", f"{year}-04-01").replace("2031-03-31", f"{year + 5}-03-31")


def _with(text: str, table: str, code: str, **values: object) -> str:
    """`text` with `values` put into its `[[table]]` of that `code`, where it has one."""

    def change(block: re.Match[str]) -> str:
        changed = block[0]
        for key, value in values.items():
            line = f"{key} = {json.dumps(value)}"  # of these kinds JSON and TOML are the same
            changed = re.sub(rf"^{key} = .*$", line, changed, flags=re.MULTILINE)
        return changed

    pattern = rf'^\[\[{table}\]\]\ncode = "{code}"\n(?:(?!^\[).*\n?)*'
    return re.sub(pattern, change, text, flags=re.MULTILINE)


def _enrol(desk: Desk, now: datetime) -> list[tuple[str, str, str]]:
    """Gives the demo's accounts password and authenticator, the operator his security key."""
    from sekisho.people.demo_authenticator import enrol_for_demo
    from sekisho.people.models import Person
    from sekisho.people.service import register_ssh_authenticator

    people = [Person.objects.get(login=login) for login in ACCOUNTS]
    for person in people:
        enrol_for_demo(person, PASSWORD, asking(), now)
    operator = Person.objects.get(login=OPERATOR)
    _must(register_ssh_authenticator(operator, desk.key.public_key, asking(), now))
    return [(each.login, each.role_of.text.ja, each.role_of.text.en) for each in people]


def _certify(installation: Installation, desk: Desk, now: datetime) -> None:
    from sekisho.people.models import Terminal
    from sekisho.people.terminals import certify_terminal

    terminal = Terminal.objects.get(code=TERMINAL)
    ca = installation.keys / "terminal-ca"
    certified = _must(certify_terminal(terminal, timedelta(days=7), ca, asking(), now))
    desk.certificate.write_text(certified.certificate)


def _permit_and_open(now: datetime) -> None:
    """The contractor asks, the owning division approves, the systems division opens the line."""
    from sekisho.access.service import Wish, approve_permit, open_line, request_permit
    from sekisho.contracts.models import Contract, System
    from sekisho.people.models import Line, Person

    people = {each.login: each for each in Person.objects.filter(login__in=ACCOUNTS)}
    wish = Wish(
        contract=Contract.objects.get(code=CONTRACT),
        system=System.objects.get(code=SYSTEM),
        operators=(people[OPERATOR],),
        starts=now,
        ends=now + timedelta(hours=8),
        work="夜間処理の待ち行列の確認と、たまった処理の取消し",
        rollback="取り消した処理を、控えの一覧から入れ直す",
    )
    permit = _must(request_permit(wish, people[MANAGER], now))
    _must(approve_permit(permit, people[OWNER], now))
    _must(open_line(Line.objects.get(code=LINE), "保守作業のため", people[STAFF], now))


def _plan(now: datetime) -> None:
    """What city hall has planned: monthly and yearly processing, and somebody on call tonight."""
    from sekisho.access.recurrence import Recurrence, Rule
    from sekisho.access.schedule import Entry, agree, enter_processing
    from sekisho.access.service import enter_duty
    from sekisho.contracts.models import Contract, System
    from sekisho.people.models import Person

    people = {each.login: each for each in Person.objects.filter(login__in=ACCOUNTS)}
    contract = Contract.objects.get(code=CONTRACT)
    year = fiscal_year(now.astimezone(TOKYO).date())
    for title, first, rule in (
        ("住民異動の月次集計", date(year, 4, 1), Rule.LAST_WORKING_DAY),
        ("年度切替の準備", date(year, 3, 20), Rule.YEARLY),
    ):
        again = Recurrence(max(first, contract.starts), time(18), 90, rule)
        system = System.objects.get(code=SYSTEM)
        entry = Entry(title, system, contract, again, (contract.division,))
        row = _must(enter_processing(entry, people[STAFF], now))
    _must(agree(row, people[OWNER], now, row.edition))
    _must(enter_duty(people[OWNER], now, now + timedelta(hours=16), people[STAFF], now))


def _must(answer: T | Refused) -> T:
    """The story's own steps are never refused; if one is, the demo is broken and says how."""
    if isinstance(answer, Refused):
        raise RuntimeError("; ".join(f"[{reason.code}] {reason.text.en}" for reason in answer.reasons))
    return answer
