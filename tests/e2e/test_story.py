"""The first passage, told once from beginning to end: real browsers, a real ssh client, a real sshd."""

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page

from sekisho.kernel.clock import TOKYO
from tests.e2e.consoletown import ConsoleTown, Visitor, city_with_gate
from tests.gate.clients import PASSWORD
from tests.town import Terminal

pytestmark = pytest.mark.e2e
NOTHING_YET = """
Permit.objects.all().delete()
LineSwitch.objects.all().delete()
None
"""
SHOWN = "山田商店の行を直しました"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleTown]:
    """A city whose papers are in, with nothing permitted and every line closed."""
    town = city_with_gate(tmp_path_factory.mktemp("city"), NOTHING_YET)
    try:
        yield town.open()
    finally:
        town.close()


@pytest.mark.timeout(300)
def test_one_passage_from_the_request_to_the_proof(city: ConsoleTown, tmp_path: Path) -> None:
    """Request, sent back, mended, approved, line opened, inside, watched, cut, released, replayed, reported, proven."""
    assert city.gate is not None
    number = a_request_is_sent_back_and_mended(city)
    approved(city, number)
    city.gate.refused_with("line-closed")
    opened(city)
    with city.gate.terminal(size=(100, 30)) as terminal:
        terminal.expect("接続番号".encode())
        session = city.gate.live_session()
        terminal.send("sleep 3; printf '%s商店の行を直しました\\n' 山田\n".encode())
        terminal.expect(SHOWN.encode())
        watched_and_cut(city, session, terminal)
    city.gate.refused_with("latched")
    released(city)
    replayed(city, session)
    reported_and_confirmed(city, session)
    proven(city, session, tmp_path)
    for login, path, name in (
        ("systems", "/sessions/", "session-list"),
        ("kanri", f"/sessions/{session}/", "session-seen-by-contractor"),
        ("systems", "/evidence/", "evidence"),
        ("systems", "/evidence/?q=nothing-like-it", "evidence-none"),
        ("kacho", "/contracts/c-1/", "contract"),
    ):
        city.inspect(login, path, name)


def a_request_is_sent_back_and_mended(city: ConsoleTown) -> str:
    """The contractor's manager asks, the owning division says what is missing, the manager mends it."""
    manager, owner = city.visitor("kanri"), city.visitor("kacho")
    city.inspect(manager, "/permits/", "permit-list-empty")
    city.inspect(manager, "/permits/new/", "permit-new")
    page = manager.goto("/permits/new/")
    page.click("button[value=check]")
    page.wait_for_selector(".errorlist, :invalid")
    page.select_option("[name=contract]", index=1)
    page.select_option("[name=system]", index=1)
    page.check("text=森 一郎")
    now = datetime.now(TOKYO)
    moment(page, "starts", now)
    moment(page, "ends", now + timedelta(hours=3))
    page.fill("[name=work]", "定例の更新")
    page.fill("[name=rollback]", "控えから戻す")
    page.click("button[value=check]")
    page.get_by_text("申請の内容を確かめる").first.wait_for()
    page.click("button[value=submit]")
    page.wait_for_url("**/permits/R*/")
    number = page.url.rstrip("/").rpartition("/")[2]
    city.inspect(owner, f"/permits/{number}/", "permit-to-decide")
    page = owner.goto(f"/permits/{number}/")
    page.fill("#return-reason", "件数を書いてください")
    page.click("text=差し戻す >> nth=-1")
    page.get_by_text("件数を書いてください").first.wait_for()
    city.inspect(manager, f"/permits/{number}/", "permit-sent-back")
    page = manager.goto(f"/permits/{number}/")
    page.click("text=直して申請し直す")
    assert "件数を書いてください" in page.inner_text("main")
    page.fill("[name=work]", "定例の更新(3件)")
    page.click("button[value=check]")
    page.click("button[value=submit]")
    page.get_by_text("定例の更新(3件)").first.wait_for()
    return number


def moment(page: Page, name: str, at: datetime) -> None:
    page.fill(f"[name={name}_0]", at.strftime("%Y-%m-%d"))
    page.fill(f"[name={name}_1]", at.strftime("%H:%M"))


def approved(city: ConsoleTown, number: str) -> None:
    page = city.visitor("kacho").goto(f"/permits/{number}/")
    assert "定例の更新(3件)" in page.inner_text("main")
    page.get_by_role("button", name="許可する").click()
    page.locator("main .state[data-state=done]").first.wait_for()
    city.inspect("kacho", f"/permits/{number}/", "permit-approved")


def opened(city: ConsoleTown) -> None:
    """With the wrong finger the line stays closed; with the right one it opens."""
    systems = city.visitor("systems")
    city.inspect(systems, "/lines/", "lines-closed")
    for verified in (False, True):
        systems.verified(verified)
        page = systems.goto("/lines/")
        page.fill("#open-line-a", "定例の更新のため")
        page.click("form[action='/lines/line-a/open/'] [data-webauthn] button")
        if not verified:
            page.locator("[data-webauthn-error]:visible").wait_for()
            assert city.probe("LineSwitch.objects.filter(is_open=True).count()") == 0
    page.locator("main .state[data-state=open]").wait_for()
    city.inspect(systems, "/lines/", "lines-open")


def watched_and_cut(city: ConsoleTown, session: str, terminal: Terminal) -> None:
    """The home page leads to the live screen; what is typed appears there; one press ends it."""
    owner = city.visitor("kacho")
    page = owner.goto("/")
    page.click(f"main a[href='/sessions/{session}/'] >> nth=0")
    page.locator("#player").get_by_text(SHOWN).first.wait_for()
    terminal.send("echo いま打った文字\n".encode())
    page.locator("#player").get_by_text("いま打った文字").first.wait_for()
    city.inspect(owner, f"/sessions/{session}/", "session-live")
    page.click(f"form[action='/sessions/{session}/cut/'] button")
    page.get_by_text("ミリ秒").wait_for()
    terminal.wait_end(2)
    assert "遮断".encode() in terminal.screen
    city.inspect(owner, None, "cut-done")
    page.reload()
    page.get_by_role("button", name="不審な操作があった").click()
    page.get_by_text("理由: 不審な操作があった").wait_for()
    assert city.probe("Latch.objects.get().reason") == "不審な操作があった"


def released(city: ConsoleTown) -> None:
    systems = city.visitor("systems")
    city.inspect(systems, "/latches/", "latches-held")
    page = systems.goto("/latches/")
    page.get_by_text("解除する…").click()
    page.fill("textarea[id$=-release]", "本人に確かめた")
    page.click("form[action$='/release/'] [data-webauthn] button")
    page.get_by_text("遮断を解除しました").wait_for()
    city.inspect(systems, "/latches/", "latches-released")


def replayed(city: ConsoleTown, session: str) -> None:
    """Found by the words that were shown, whatever their width; the link leads to that very moment."""
    owner = city.visitor("kacho")
    page = owner.goto(f"/sessions/{session}/")
    assert page.is_checked("#idle")
    page.fill("#words", "山田商店")
    page.get_by_role("button", name="探す").click()
    hit = page.locator("main ul li").filter(has_text=SHOWN).last
    seconds = float(hit.locator("a").inner_text().removesuffix("秒"))
    assert seconds > 2.5
    city.inspect(owner, f"/sessions/{session}/?words=山田商店", "session-search")
    page = owner.goto(f"/sessions/{session}/?words=山田商店")
    page.locator("main ul li").filter(has_text=SHOWN).last.locator("a").click()
    page.wait_for_url("**?t=*")
    page.locator("#player").get_by_text(SHOWN).first.wait_for()
    page.click("#link")
    page.locator("#link-shown").filter(has_text="リンク").or_(
        page.locator("#link-shown").filter(has_text="?t=")
    ).wait_for()
    city.inspect(owner, f"/sessions/{session}/?words=ないことば", "session-nothing-found")


def reported_and_confirmed(city: ConsoleTown, session: str) -> None:
    operator, owner = city.visitor("mori", PASSWORD), city.visitor("kacho")
    city.inspect(operator, f"/sessions/{session}/", "report-to-write")
    page = operator.goto(f"/sessions/{session}/")
    assert page.locator("#player").count() == 0, "a contractor does not see the recording"
    page.fill("[name=done]", "3件更新した")
    page.fill("[name=outcome]", "途中で遮断されたため、1件残った")
    page.get_by_role("button", name="報告を提出する").click()
    page.get_by_text("市の確認待ち").wait_for()
    city.inspect(owner, f"/sessions/{session}/", "report-to-confirm")
    page = owner.goto(f"/sessions/{session}/")
    page.get_by_role("button", name="記録と照らして確認した").click()
    page.get_by_text("確認済み").wait_for()
    city.inspect(owner, f"/sessions/{session}/", "report-confirmed")


def proven(city: ConsoleTown, session: str, folder: Path) -> None:
    """The bundle that the page gives out verifies with the key alone; with one byte changed it does not."""
    visitor: Visitor = city.visitor("systems")
    page = visitor.goto(f"/sessions/{session}/")
    with page.expect_download() as download:
        page.get_by_role("button", name="書き出す").click()
    download.value.save_as(folder / "bundle.zip")
    with zipfile.ZipFile(folder / "bundle.zip") as bundle:
        bundle.extractall(folder)
    key = city.installation.keys / "log-signing-key.pub"
    verify = [
        sys.executable,
        "-m",
        "sekisho.cli",
        "verify",
        str(folder / f"sekisho-{session}"),
        "--key",
        str(key),
    ]
    assert subprocess.run(verify, capture_output=True, timeout=30, check=False).returncode == 0
    recording = folder / f"sekisho-{session}" / "recording.skrec"
    data = bytearray(recording.read_bytes())
    data[len(data) // 2] ^= 1
    recording.write_bytes(data)
    assert subprocess.run(verify, capture_output=True, timeout=30, check=False).returncode == 1
