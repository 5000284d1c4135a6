"""`sign`: a lamp or a wall screen at the counter. Needs no installation: only the gates' addresses and keys."""

import shutil
import signal
import sys
import threading
from argparse import Namespace
from pathlib import Path

from sekisho.commands.shell import USAGE, Commands, fail, option
from sekisho.kernel.text import Text


def add_to(commands: Commands) -> None:
    text = Text(
        "窓口の表示。接続中か、していないか、不明かを出し続ける。",
        "A sign: connected, not connected, or unknown.",
    )
    parser = commands.add("sign", text, _sign, home=False)
    option(
        parser, "gates", "ホスト:ポート=鍵ファイル(gate-sign-key.pub)。いくつでも。",
        "HOST:PORT=KEYFILE (its gate-sign-key.pub), one for each gate.", nargs="+", metavar="GATE",
    )  # fmt: skip
    option(
        parser, "--command", "状態が変わるたびに、状態を引数にして呼ぶプログラム(ランプなど)。",
        "A program called with the state at each change, for a lamp.", metavar="PATH",
    )  # fmt: skip
    option(parser, "--no-screen", "画面には出さない。", "Draw nothing.", action="store_true")


def _sign(arguments: Namespace) -> None:
    from sekisho.sign.program import Command, Gate, Lamp, Screen, read_gate, run

    gates: list[Gate] = []
    for written in arguments.gates:
        address, _, key = written.partition("=")
        try:
            gates.append(read_gate(address, Path(key)))
        except (OSError, ValueError) as error:
            fail(
                Text(
                    f"「{written}」を読めません。例: 192.0.2.10:2280=/etc/sekisho-sign/gate-1.pub",
                    f'Cannot read "{written}" ({error}). For example 192.0.2.10:2280=/etc/sekisho-sign/gate-1.pub',
                ),
                USAGE,
            )
    lamps: list[Lamp] = []
    if not arguments.no_screen:
        lamps.append(Screen(_draw, _size))
    if arguments.command:
        lamps.append(Command(arguments.command))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    run(gates, lamps, stop)


def _size() -> tuple[int, int]:
    columns, lines = shutil.get_terminal_size()
    return columns, lines


def _draw(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
