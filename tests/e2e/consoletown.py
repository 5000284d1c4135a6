"""The console as a process of its own, and visitors in a real Chromium, each with an authenticator of his own.

    town = ConsoleTown(folder).open()                       # or the `console` fixture of tests/e2e/conftest.py
    town.probe("…ORM…", name=value)                         # see tests/town.py; prepare anything
    town.register("sato", "systems")
    page = town.visitor("sato").page                        # enrolled and signed in
    page.goto(town.url("/"))
    town.inspect("sato", "/", "home")                       # axe, no overflow, screenshots: ja/en, 1280/400 px

Never use Django's ORM in the test's own process while a browser is open: use the probe.
"""

import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from playwright.sync_api import Browser, BrowserContext, CDPSession, Error, Page, Playwright, sync_playwright

from sekisho.commands.founding import found
from sekisho.kernel.installation import Options
from tests.gate.gatetown import GateTown
from tests.postgres import database_of_its_own
from tests.town import REPOSITORY, Probe, end, eventually, free_port

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
]
SCREENS = REPOSITORY / ".test-output" / "screens"
AXE = (Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js").read_text("utf-8")
PASSWORD = "kitsune-wa-hashi-wo-wataru"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

REGISTER = """
from django.utils import timezone
from sekisho.people import service
from sekisho.people.roles import Role
class Machine: actor = "os-user:test"
where = {}
if Role(role).of_contractor:
    where["contractor"] = Contractor.objects.get_or_create(
        code=belongs_to or "shiosai", defaults={"name": "しおさいシステムズ", "name_en": "Shiosai Systems"})[0]
elif role != "council":
    where["division"] = Division.objects.get_or_create(
        code=belongs_to or "joho", defaults={"name": "情報政策課", "name_en": "Information Policy Division"})[0]
answer = service.register_person(login, name=name, furigana=furigana, role=Role(role), by=Machine(),
    now=timezone.now(), **where)
answer.pk
"""
NAMES = {
    "mori": "森 一郎",
    "hayashi": "林 花",
    "kanri": "港 さくら",
    "kacho": "汐見 誠",
    "systems": "磯野 健",
}
NAMED = """
for login, name in names.items():
    Person.objects.filter(login=login).update(name=name, furigana="なまえ")
System.objects.update(name="住民記録", name_en="Resident records")
Document.objects.update(title="仕様書", kind="specification")
Contract.objects.update(title="住民記録システム保守", title_en="Resident records maintenance")
FactRow.objects.update(quote="仕様書の言葉", read_by="総務課 主任", confirmed_by="総務課 係長")
None
"""
"""Gives the people and things of a town with a gate (`tests/gate/registers.py`) names to be seen by."""

CODE = """
from django.utils import timezone
from sekisho.people import service
class Machine: actor = "os-user:test"
service.issue_enrolment_code(Person.objects.get(login=login), Machine(), timezone.now()).shown
"""


def city_with_gate(folder: Path, *prepared: str) -> "ConsoleTown":
    """A city with a gate and named people, its registers prepared by snippets for the probe. Not opened yet."""
    gate = GateTown(folder / "gate").open()
    gate.probe(NAMED, names=NAMES)
    for each in prepared:
        gate.probe(each)
    return ConsoleTown(folder, gate=gate)


@dataclass
class Visitor:
    """One person's browser: cookies, pages and an authenticator that nobody else has."""

    town: "ConsoleTown"
    login: str
    context: BrowserContext
    page: Page
    cdp: CDPSession
    authenticator: str
    complaints: list[str] = field(default_factory=list)

    def goto(self, path: str) -> Page:
        self.page.goto(self.town.url(path))
        return self.page

    def verified(self, yes: bool) -> None:
        """Whether the authenticator's user puts the right finger on it from now on."""
        self.cdp.send(
            "WebAuthn.setUserVerified", {"authenticatorId": self.authenticator, "isUserVerified": yes}
        )

    def credentials(self) -> list[dict[str, Any]]:
        answer = self.cdp.send("WebAuthn.getCredentials", {"authenticatorId": self.authenticator})
        return list(answer["credentials"])

    def adopt(self, credential: dict[str, Any]) -> None:
        """Puts a copy of another authenticator's credential into this one."""
        self.cdp.send(
            "WebAuthn.addCredential", {"authenticatorId": self.authenticator, "credential": credential}
        )

    def speak(self, language: str) -> None:
        self.context.add_cookies([{"name": "django_language", "value": language, "url": self.town.url("/")}])

    def enrol(self, code: str, password: str = PASSWORD) -> None:
        page = self.goto("/enrol/")
        page.fill("[name=login]", self.login)
        page.fill("[name=code]", code)
        page.click("main form button")
        page.fill("[name=password]", password)
        page.fill("[name=again]", password)
        page.click("main form button")
        page.click("[data-webauthn] button")
        page.wait_for_url("**/sign-in/")

    def give_password(self, password: str = PASSWORD, path: str = "/sign-in/") -> None:
        page = self.goto(path)
        page.fill("[name=login]", self.login)
        page.fill("[name=password]", password)
        page.click("main form button")

    def sign_in(self, path: str = "/sign-in/", password: str = PASSWORD) -> None:
        self.give_password(password, path)
        self.page.wait_for_url("**/sign-in/authenticator/")
        self.page.click("[data-webauthn] button:not([data-webauthn-demo])")
        self.page.wait_for_url(lambda url: "/sign-in/" not in url)


@dataclass
class ConsoleTown:
    """One installation whose console runs: its own, or that of a town with a gate. `close` ends all it started."""

    folder: Path
    demo: bool = False
    gate: GateTown | None = None
    visitors: dict[str, Visitor] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def open(self) -> "ConsoleTown":
        if self.gate is None:
            self._found()
        else:
            self.installation, self.probe = self.gate.installation, self.gate.probe
        environment = {
            **os.environ,
            "SEKISHO_HOME": str(self.installation.home),
            "DJANGO_SETTINGS_MODULE": "sekisho.settings",
        }
        with (self.folder / "web.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sekisho.cli", "web"], env=environment, stdout=log, stderr=log
            )
        self.playwright: Playwright = sync_playwright().start()
        self.browser: Browser = self.playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        eventually(self._answers, 30, f"the console answers; see {self.folder}/web.log")
        return self

    def _found(self) -> None:
        options = Options(
            web_port=free_port(),
            database=database_of_its_own(),
            log_origin="demo.invalid/log-1" if self.demo else "test.invalid/log-1",
        )
        self.installation = found(self.folder / "home", options, demo=self.demo)
        self.probe = Probe({**os.environ, "SEKISHO_HOME": str(self.installation.home)})
        self.probe("from django.core.management import call_command\ncall_command('migrate', verbosity=0)")

    def close(self) -> None:
        for visitor in self.visitors.values():  # where a test failed, the place is seen
            with suppress(Error):
                visitor.page.screenshot(path=SCREENS / f"last-{visitor.login}.png", full_page=True)
        self.browser.close()
        self.playwright.stop()
        end(self.process)
        if self.gate is None:
            self.probe.close()
        else:
            self.gate.close()

    def url(self, path: str) -> str:
        return self.installation.console_url + path

    def register(
        self,
        login: str,
        role: str,
        name: str = "汐見 花子",
        furigana: str = "しおみ はなこ",
        belongs_to: str = "",
    ) -> None:
        """Registers a person; divisions and contractors are made as needed."""
        self.probe(REGISTER, login=login, role=role, name=name, furigana=furigana, belongs_to=belongs_to)

    def code_for(self, login: str) -> str:
        return str(self.probe(CODE, login=login))

    def stranger(self, login: str) -> Visitor:
        """A browser that knows nobody yet, with an authenticator whose user is verified."""
        context = self.browser.new_context(locale="ja-JP", viewport={"width": 1280, "height": 900})
        context.set_default_timeout(10_000)
        page = context.new_page()
        cdp = context.new_cdp_session(page)
        cdp.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        made = cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        visitor = Visitor(self, login, context, page, cdp, made["authenticatorId"])
        page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
        page.on("console", lambda said: _complain(visitor, said.type, said.text))
        return visitor

    def visitor(self, login: str, password: str = PASSWORD) -> Visitor:
        """The registered person of that login, enrolled and signed in; the same browser on every call."""
        if login not in self.visitors:
            visitor = self.stranger(login)
            visitor.enrol(self.code_for(login), password)
            visitor.sign_in(password=password)
            self.visitors[login] = visitor
        return self.visitors[login]

    def inspect(self, login: str | Visitor, path: str | None, name: str) -> None:
        """Looks at a page as everybody sees it; AssertionError for what axe finds or what does not fit.

        `path` None: the page on which the visitor is now, which must survive a reload.
        """
        visitor = login if isinstance(login, Visitor) else self.visitor(login)
        target = self.url(path) if path is not None else visitor.page.url
        try:
            for language in ("ja", "en"):
                visitor.speak(language)
                for width in (1280, 400):
                    visitor.page.set_viewport_size({"width": width, "height": 900})
                    visitor.page.goto(target)
                    look(visitor, f"{name}-{language}-{width}")
        finally:
            visitor.speak("ja")
            visitor.page.set_viewport_size({"width": 1280, "height": 900})

    def _answers(self) -> bool:
        with suppress(OSError):
            return bool(urlopen(self.url("/health/"), timeout=2).status == 200)
        return False


def look(visitor: Visitor, name: str) -> None:
    """Photographs the page as it is, and checks it: accessibility, overflow, complaints of the browser."""
    page = visitor.page
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENS / f"{name}.png", full_page=True)
    assert not visitor.complaints, f"{name}: {visitor.complaints}"
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{name} is {wide} px too wide"
    page.evaluate(AXE)
    found = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)["violations"]
    problems = [
        f"{each['id']}: {each['help']}: {[node['html'][:200] for node in each['nodes'][:3]]}"
        for each in found
    ]
    assert not problems, f"{name}:\n" + "\n".join(problems)


def _complain(visitor: Visitor, kind: str, text: str) -> None:
    # A refused POST is answered 403 or 409 on purpose, which Chromium reports as an error of its own.
    if kind == "error" and "Failed to load resource" not in text:
        visitor.complaints.append(text)
