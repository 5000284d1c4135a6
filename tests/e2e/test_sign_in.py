"""Signing in, in a real browser with a real WebAuthn client: both factors, the finger required."""

import re
from concurrent.futures import ThreadPoolExecutor
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

import pytest

from tests.e2e.consoletown import ConsoleTown

pytestmark = pytest.mark.e2e
JUDGED = """
import json
said = [json.loads(bytes(row.payload)) for row in OutboxRecord.objects.all()]
sum(each["tag"] == "console:person:sign-in-refused" and "person:mori" in each["subjects"] for each in said)
"""


@pytest.fixture(scope="module", autouse=True)
def people(console: ConsoleTown) -> None:
    console.register("sato", "systems", "佐藤 健", "さとう けん")
    console.register("mori", "operator", "森 みどり", "もり みどり")


def test_a_person_enrols_and_signs_in(console: ConsoleTown) -> None:
    """With the counter's code, a password and an authenticator a person gets in, and is named on every page."""
    page = console.visitor("sato").goto("/")
    assert "佐藤 健" in page.inner_text("header")
    assert "情報システム担当課" in page.inner_text("header")


def test_without_the_finger_nobody_signs_in(console: ConsoleTown) -> None:
    """An authenticator that does not verify its user is refused, right password or not."""
    console.visitor("sato")
    visitor = console.stranger("sato")
    visitor.adopt(console.visitor("sato").credentials()[0])
    visitor.verified(False)
    visitor.give_password()
    visitor.page.click("[data-webauthn] button")
    visitor.page.wait_for_selector("[data-webauthn-error]:not([hidden])")
    assert visitor.goto("/").url.startswith(console.url("/sign-in/"))


def test_without_the_finger_nobody_enrols(console: ConsoleTown) -> None:
    """An authenticator that does not verify its user cannot be registered; the code stays good."""
    visitor = console.stranger("mori")
    visitor.verified(False)
    code = console.code_for("mori")
    page = visitor.goto("/enrol/")
    page.fill("[name=login]", "mori")
    page.fill("[name=code]", code.lower().replace("-", " "))
    page.click("main form button")
    page.fill("[name=password]", "kitsune-wa-hashi")
    page.fill("[name=again]", "kitsune-wa-hashi")
    page.click("main form button")
    page.click("[data-webauthn] button")
    page.wait_for_selector("[data-webauthn-error]:not([hidden])")
    assert console.probe("Passkey.objects.filter(person__login='mori').count()") == 0
    visitor.verified(True)
    visitor.enrol(code)


def test_after_signing_in_one_is_where_one_wanted_to_go(console: ConsoleTown) -> None:
    """The page that asked for sign-in is shown afterwards; another site never is."""
    console.visitor("sato").page.click("header form[action='/sign-out/'] button")
    del console.visitors["sato"]
    visitor = console.stranger("sato")
    console.visitors["sato"] = visitor
    visitor.enrol(console.code_for("sato"))
    visitor.sign_in("/people/?q=もり")
    assert visitor.page.url == console.url("/people/?q=%E3%82%82%E3%82%8A")
    visitor.page.click("header form[action='/sign-out/'] button")
    visitor.sign_in("/sign-in/?next=https://evil.example/")
    assert visitor.page.url == console.url("/")


def test_the_pages_of_the_door(console: ConsoleTown) -> None:
    """Every page before sign-in is accessible, fits a narrow window and speaks both languages."""
    visitor = console.stranger("mori")
    console.inspect(visitor, "/sign-in/", "sign-in")
    console.inspect(visitor, "/enrol/", "enrol-code")
    page = visitor.goto("/enrol/")
    page.fill("[name=login]", "mori")
    page.fill("[name=code]", console.code_for("mori"))
    page.click("main form button")
    console.inspect(visitor, None, "enrol-password")
    page.fill("[name=password]", "kitsune-wa-hashi")
    page.fill("[name=again]", "kitsune-wa-hashi")
    page.click("main form button")
    console.inspect(visitor, None, "enrol-authenticator")


def test_many_guesses_at_once_do_not_slip_under_the_limit(console: ConsoleTown) -> None:
    """Thirty wrong passwords sent at the same moment: five are judged, the others wait."""
    with ThreadPoolExecutor(30) as pool:
        statuses = list(pool.map(lambda number: _guess(console, f"wrong-{number}-password"), range(30)))
    assert set(statuses) == {403}
    judged = console.probe(JUDGED)
    assert 1 <= judged <= 8, "five, and a few more where the machine took longer than the wait"


def _guess(console: ConsoleTown, password: str) -> int:
    opener = build_opener(HTTPCookieProcessor())
    page = opener.open(console.url("/sign-in/"), timeout=30).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token
    data = urlencode({"csrfmiddlewaretoken": token[1], "login": "mori", "password": password})
    try:
        return int(opener.open(console.url("/sign-in/"), data.encode(), timeout=60).status)
    except HTTPError as error:
        return error.code
