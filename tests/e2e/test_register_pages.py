"""The register's pages in a real browser: codes with a fresh biometric, keys, suspension, terminals."""

import pytest

from examples.demo.fido_agent import FidoKey
from tests.e2e.consoletown import PASSWORD, ConsoleTown
from tests.gate.registers import SEED
from tests.town import keygen, public_key

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module", autouse=True)
def registers(console: ConsoleTown) -> None:
    """A town's registers, the names as people have them."""
    own, other = (keygen(console.folder / name) for name in ("pc-1", "pc-2"))
    console.probe(
        SEED,
        terminals={"t-01": public_key(own), "t-99": public_key(other)},
        password=PASSWORD,
        authenticators={"mori": FidoKey().public_key},
        port=22,
        account="root",
        host_key=public_key(own),
    )
    console.register("sato", "systems", "佐藤 健", "さとう けん")
    console.register("kansa", "auditor", "監物 葛󠄀子", "けんもつ かつこ")


def test_a_code_needs_the_finger_and_is_shown_once(console: ConsoleTown) -> None:
    """With a fresh biometric the code appears, large, and coming back to it is impossible."""
    visitor = console.visitor("sato")
    page = visitor.goto("/people/hayashi/")
    button = page.locator("form[action$='/code/'] [data-webauthn] button")
    visitor.verified(False)
    button.click()
    page.wait_for_selector("[data-webauthn-error]:not([hidden])")
    assert console.probe("EnrolmentCode.objects.filter(person__login='hayashi').count()") == 0
    visitor.verified(True)
    button.click()
    page.wait_for_selector(".big-code")
    code = page.inner_text(".big-code")
    page.reload()
    assert code not in page.content()
    fresh = console.stranger("hayashi")
    fresh.enrol(code)
    fresh.sign_in()
    assert "hayashi" in fresh.page.inner_text("header")


def test_a_key_for_the_gate_is_pasted_at_the_counter(console: ConsoleTown) -> None:
    """A wrong line is refused saying what is needed; the right one is registered."""
    page = console.visitor("sato").goto("/people/hayashi/")
    page.fill("[name=public_key]", "ssh-ed25519 AAAA somebody")
    page.click("form[action$='/keys/'] button")
    assert "verify-required" in page.inner_text("[role=alert]")
    page.fill("[name=public_key]", FidoKey().public_key + " hayashi@office")
    page.click("form[action$='/keys/'] button")
    assert "登録しました" in page.inner_text("main")
    assert console.probe("SshAuthenticator.objects.filter(person__login='hayashi').count()") == 1


def test_a_terminal_is_certified_and_revoked(console: ConsoleTown) -> None:
    """The certificate comes as a file after a fresh biometric; revoking asks once more and says so."""
    page = console.visitor("sato").goto("/terminals/t-01/")
    page.fill("[name=days]", "30")
    with page.expect_download() as download:
        page.click("form[action$='/certify/'] [data-webauthn] button")
    assert download.value.suggested_filename == "t-01-cert.pub"
    assert download.value.path().read_text().startswith("ssh-ed25519-cert-v01@openssh.com ")
    page = console.visitor("sato").goto("/terminals/t-99/revoke/")
    page.click("main form button")
    assert "失効させました" in page.inner_text("main")


def test_a_person_is_registered_and_suspended(console: ConsoleTown) -> None:
    """Registered by form, found by sound, suspended after a page that asks; then out at once."""
    page = console.visitor("sato").goto("/people/new/")
    page.fill("[name=login]", "ueda")
    page.fill("[name=name]", "上田 𠮷子")
    page.fill("[name=furigana]", "ウエダ ヨシコ")
    page.select_option("[name=role]", "clerk")
    page.select_option("[name=division]", "joho")
    page.click("main form button")
    assert page.url.endswith("/people/ueda/")
    page.goto(console.url("/people/?q=うえだ"))
    assert page.locator("tbody tr").count() == 1
    clerk = console.visitor("ueda")
    page.goto(console.url("/people/ueda/suspend/"))
    page.click("main form button")
    assert "利用停止" in page.inner_text("main")
    assert "/sign-in/" in clerk.goto("/").url
    del console.visitors["ueda"]


def test_the_auditor_reads_and_changes_nothing(console: ConsoleTown) -> None:
    """The same pages without a single form that changes something."""
    visitor = console.visitor("kansa")
    for path in ("/people/", "/people/mori/", "/terminals/", "/terminals/t-01/"):
        page = visitor.goto(path)
        assert page.locator("main form[method=post]").count() == 0, path


def test_the_pages_of_the_register(console: ConsoleTown) -> None:
    """Every page is accessible, fits a narrow window, and speaks both languages."""
    for path, name in (
        ("/people/", "people"),
        ("/people/?q=zzz", "people-none"),
        ("/people/new/", "person-new"),
        ("/people/mori/", "person"),
        ("/people/mori/suspend/", "suspend"),
        ("/terminals/", "terminals"),
        ("/terminals/t-01/", "terminal"),
        ("/terminals/t-01/revoke/", "terminal-revoke"),
        ("/nowhere/", "not-found"),
    ):
        console.inspect("sato", path, name)
    console.inspect("mori", "/people/", "not-for-this-role")
    visitor = console.visitor("sato")
    page = visitor.goto("/people/kansa/")
    page.locator("form[action$='/code/'] [data-webauthn] button").click()
    page.wait_for_selector(".big-code")
    from tests.e2e.consoletown import look

    look(visitor, "code-ja-1280")
