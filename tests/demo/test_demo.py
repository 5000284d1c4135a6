"""`make demo`: within a minute there is a session to watch and to cut; it ends without leaving anything behind."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import sync_playwright

from sekisho.access.control import GateClient
from sekisho.kernel.installation import Installation, load
from sekisho.people.demo_authenticator import is_demo
from tests.town import REPOSITORY, eventually, free_port

pytestmark = pytest.mark.e2e
BROWSER_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


class Demo:
    """The demo's own process, on ports of its own; what it says goes to a file."""

    def __init__(self, folder: Path, **ports: int) -> None:
        self.home, self.said = folder / "home", folder / "said"
        chosen = {name: ports.get(name) or free_port() for name in ("web", "gate", "sign", "target")}
        options = [word for name, port in chosen.items() for word in (f"--{name}-port", str(port))]
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("SEKISHO", "DJANGO"))}
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "examples.demo", "--home", str(self.home), *options],
                cwd=REPOSITORY,
                env=clean,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )

    @property
    def text(self) -> str:
        return self.said.read_text("utf-8")

    @property
    def installation(self) -> Installation:
        return load(self.home)

    def wait_for(self, words: str, seconds: float = 60) -> None:
        try:
            eventually(lambda: words in self.text, seconds, words)
        except AssertionError as error:
            raise AssertionError(self.text) from error

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    running = Demo(tmp_path)
    try:
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            running.end()


def test_a_person_sees_a_session_cut_and_the_operator_kept_out(demo: Demo) -> None:
    """The operator is inside; one cut ends it in milliseconds; he tries again and is refused; Ctrl-C ends all."""
    demo.wait_for("作業者が関所を通って")
    demo.wait_for("Ctrl-C")
    assert is_demo(demo.installation), "nothing of it passes for a city's: its folder and its log are marked"
    assert demo.installation.console_url in demo.text
    gate = GateClient(demo.installation.gate_socket)
    (session,) = gate.status()["sessions"]
    assert gate.cut_session(session, "os-user:test").ended == (session,)
    demo.wait_for("市が遮断しました", 10)
    demo.wait_for("入り直せません", 30)
    parts = psutil.Process(demo.process.pid).children(recursive=True)
    assert demo.end() == 0
    assert [part for part in parts if part.is_running()] == []


def test_the_cut_session_is_proven_to_an_auditor(demo: Demo, tmp_path: Path) -> None:
    """From the same demo: the session's bundle is exported and verifies offline; one changed byte does not."""
    demo.wait_for("作業者が関所を通って")
    (session,) = GateClient(demo.installation.gate_socket).status()["sessions"]
    GateClient(demo.installation.gate_socket).cut_session(session, "os-user:test")
    bundle, key = tmp_path / "bundle", demo.home / "keys" / "log-signing-key.pub"
    eventually(lambda: sekisho("export", session, str(bundle), "--home", str(demo.home)) == 0, 20, "exported")
    assert sekisho("verify", str(bundle), "--key", str(key)) == 0
    recording = bytearray((bundle / "recording.skrec").read_bytes())
    recording[len(recording) // 2] ^= 1
    (bundle / "recording.skrec").write_bytes(recording)
    assert sekisho("verify", str(bundle), "--key", str(key)) == 1


def sekisho(*arguments: str) -> int:
    command = [sys.executable, "-m", "sekisho.cli", *arguments]
    return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode


def test_the_instructions_lead_to_the_cut_in_a_browser(demo: Demo) -> None:
    """What the demo prints, done in a real browser: sign in, watch, cut, read the milliseconds, release."""
    demo.wait_for("Ctrl-C")
    login, password = re.findall(r"sign in +(\S+) +(\S+)", demo.text)[0]
    (url,) = re.findall(r"open +(http://localhost:\d+/)", demo.text)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=BROWSER_ARGUMENTS)
        page = browser.new_page(locale="ja-JP")
        page.goto(url)
        page.fill("input[name=login]", login)
        page.fill("input[name=password]", password)
        page.keyboard.press("Enter")
        page.locator("[data-webauthn-demo]:visible").click()
        page.locator("main a[href*='/sessions/']").first.click()
        page.get_by_text("juki-ap1").first.wait_for()
        page.locator("button.cut").click()
        page.get_by_text("ミリ秒").wait_for()
        demo.wait_for("市が遮断しました", 10)
        page.get_by_role("link", name="遮断", exact=True).click()
        page.get_by_text("解除する…").click()
        page.locator("textarea[id$=-release]").fill("実演の確認")
        page.locator("[data-webauthn-demo]:visible").click()
        page.get_by_text("遮断を解除しました").wait_for()
        browser.close()
    eventually(lambda: demo.text.count("作業者が関所を通って") == 2, 40, "the operator is let in again")


@pytest.mark.parametrize("name", ["web", "gate", "target"])
def test_a_port_in_use_is_said_before_anything_is_made(tmp_path: Path, name: str) -> None:
    """Which port, and how to choose another; nothing was begun."""
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        demo = Demo(tmp_path, **{name: port})
        assert demo.process.wait(30) == 1
    assert str(port) in demo.text
    assert not demo.home.exists()


def test_a_folder_that_is_no_demo_is_left_alone(tmp_path: Path) -> None:
    """A real installation under that name survives."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "kept").write_text("kept")
    demo = Demo(tmp_path)
    assert demo.process.wait(30) == 1
    assert (tmp_path / "home" / "kept").read_text() == "kept"
