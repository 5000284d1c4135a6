"""A demo's door: the software authenticator, loudly marked, by the same verification."""

from collections.abc import Iterator

import pytest

from tests.e2e.consoletown import PASSWORD, ConsoleTown

pytestmark = pytest.mark.e2e
ENROL = """
from sekisho.people.demo_authenticator import enrol_for_demo
class Machine: actor = "os-user:test"
enrol_for_demo(Person.objects.get(login=login), password, Machine(), timezone.now()).pk
"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleTown]:
    town = ConsoleTown(tmp_path_factory.mktemp("demo"), demo=True)
    try:
        yield town.open()
    finally:
        town.close()


def test_a_person_without_hardware_sees_the_demo(demo: ConsoleTown) -> None:
    """One button signs in and confirms; every page says that this is a demo."""
    demo.register("sato", "systems", "佐藤 健", "さとう けん")
    demo.register("mori", "operator", "森 みどり", "もり みどり")
    demo.probe(ENROL, login="sato", password=PASSWORD)
    visitor = demo.stranger("sato")
    visitor.give_password()
    assert "デモ専用の認証器" in visitor.page.inner_text("main")
    demo.inspect(visitor, None, "demo-prove")
    visitor.page.click("[data-webauthn-demo]")
    visitor.page.wait_for_url(demo.url("/"))
    assert "デモ" in visitor.page.inner_text(".demo-banner")
    page = visitor.goto("/people/mori/")
    page.click("form[action$='/code/'] [data-webauthn-demo]")
    page.wait_for_selector(".big-code")
