"""`python -m examples.demo`: founds the fictional city anew, runs it, and says where to look and what to press."""

import argparse
import asyncio
import shutil
import signal
import socket
import sys
import time
from pathlib import Path

from examples.demo.contractor import Operator
from examples.demo.script import Script, play_until_connected
from examples.demo.target import SSHD, DemoTarget
from sekisho.access.control import GateClient, GateUnreachable
from sekisho.commands.parts import GRACE_SECONDS, command_of
from sekisho.commands.supervisor import Part, supervise
from sekisho.kernel.installation import DEMO_MARK, Installation

START_SECONDS = 60.0


def main() -> None:
    arguments = _arguments()
    home: Path = arguments.home.absolute()
    _need_programs()
    for port in (arguments.web_port, arguments.gate_port, arguments.sign_port, arguments.target_port):
        _need_port(port)
    _clear(home)
    _say("架空の市をつくっています… / Founding the fictional city…")
    target = DemoTarget(home / "target", arguments.target_port)
    script = play_until_connected(home, arguments.web_port, arguments.gate_port, arguments.sign_port, target)
    code = asyncio.run(_run(script, target))
    sys.exit(code)


async def _run(script: Script, target: DemoTarget) -> int:
    """Runs all parts and the operator until Ctrl-C, or until a part cannot start."""
    stop, installation = asyncio.Event(), script.installation
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    operator = Operator(script.desk, lambda word, shown: _hear(script, word, shown))
    parts = [Part("target", target.command, 5.0)]
    parts += [Part(name, command_of(name, installation.home), grace) for name, grace in GRACE_SECONDS.items()]
    code = 0
    with (installation.home / "demo.log").open("a", encoding="utf-8") as log:

        def write(name: str, line: str) -> None:
            log.write(f"{name:<6} | {line}\n")
            log.flush()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(supervise(parts, write, stop))
            if await asyncio.to_thread(_wait_until_all_answer, installation, stop):
                operator.start()
            else:
                _say(
                    f"始められませんでした。記録: {installation.home}/demo.log / It did not start; see the log."
                )
                stop.set()
                code = 1
            await stop.wait()
            _say("\n終えています… / Ending…")
            await asyncio.to_thread(operator.stop)
    _say("終わりました。 / Ended.")
    return code


def _hear(script: Script, word: str, shown: str) -> None:
    """What the operator's side says, for whoever watches this terminal."""
    at = time.strftime("%H:%M:%S")
    if word == "inside":
        _say(f"{at}  作業者が関所を通って対象システムに入りました。 / The operator is inside.")
        script.say_once(_say)
    elif word == "ended":
        why = (
            "市が遮断しました / the city cut it"
            if "市がこの接続を遮断しました" in shown
            else "終わりました / it ended"
        )
        _say(f"{at}  作業者の接続: {why}。作業者は入り直そうとします。 / The operator tries to come back.")
    else:
        reason = next((line.strip() for line in shown.splitlines() if line.strip().startswith("1.")), "")
        _say(f"{at}  入り直せません / refused: {reason or shown.strip()[-200:]}")


def _wait_until_all_answer(installation: Installation, stop: asyncio.Event) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and not stop.is_set():
        if _gate_ready(installation) and _listens(installation.options.web_port):
            return True
        time.sleep(0.1)
    return False


def _gate_ready(installation: Installation) -> bool:
    try:
        return bool(GateClient(installation.gate_socket, 1.0).status().get("ready"))
    except GateUnreachable:
        return False


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _need_port(port: int) -> None:
    if _listens(port):
        sys.exit(
            f"ポート {port} は使われています。前の実演を終えるか、別のポートを選んでください。\n"
            f"Port {port} is in use. End the other demo, or choose other ports:\n"
            f"  .venv/bin/python -m examples.demo --web-port 8310 --gate-port 2232 --sign-port 2290 --target-port 2233"
        )


def _need_programs() -> None:
    missing = [name for name in ("ssh", "ssh-keygen", "setpriv") if shutil.which(name) is None]
    missing += [] if SSHD.exists() else ["sshd"]
    if missing:
        sys.exit(
            f"足りないもの / missing: {', '.join(missing)} — apt-get install openssh-client openssh-server"
        )


def _clear(home: Path) -> None:
    """Every demo begins anew; a folder that is no demo is never touched."""
    if not home.exists():
        return
    if not (home / DEMO_MARK).exists() and any(home.iterdir()):
        sys.exit(f"{home} は実演のフォルダーではありません。 / {home} is no demo and is left alone.")
    shutil.rmtree(home)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m examples.demo", description=__doc__)
    parser.add_argument("--home", type=Path, default=Path("demo-home"))
    parser.add_argument("--web-port", type=int, default=8300)
    parser.add_argument("--gate-port", type=int, default=2222)
    parser.add_argument("--sign-port", type=int, default=2280)
    parser.add_argument("--target-port", type=int, default=2223)
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
