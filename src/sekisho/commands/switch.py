"""`cut` and `status`: the city's switch from the command line, through the gate's own socket alone.

Imports neither Django nor the settings and reads no settings file: it works with the database stopped, the
console dead and `sekisho.toml` broken. The gate takes from the kernel who is asking.
"""

import time
from argparse import Namespace
from pathlib import Path
from typing import Any, NoReturn

from sekisho.access.control import CutDone, GateClient, GateRefused, GateUnreachable
from sekisho.commands.shell import UNREACHABLE, USAGE, Commands, asking, fail, option, say, write
from sekisho.kernel.installation import Installation, Options
from sekisho.kernel.text import Text

CUT_TIMEOUT = 10.0
STATUS_TIMEOUT = 3.0


def add_to(commands: Commands) -> None:
    text = Text("接続を今すぐ遮断する。解除まで再接続できない。", "Cut now; the cut latches.")
    parser = commands.add("cut", text, _cut)
    option(parser, "session", "接続番号(一部でよい)。", "A session's id, or a part of it.", nargs="?")
    option(parser, "--line", "この回線のすべて。", "All sessions on this line.", metavar="CODE")
    option(parser, "--everything", "すべての接続。", "All sessions there are.", action="store_true")
    text = Text("いま中にいる接続と関門の様子。", "Who is inside, and how the gate is.")
    commands.add("status", text, _status)


def _cut(arguments: Namespace) -> None:
    home, by = arguments.home, asking().actor
    if (bool(arguments.session), bool(arguments.line), arguments.everything).count(True) != 1:
        _list_what_could_be_cut(home)
    client = _client(home, CUT_TIMEOUT)
    started = time.perf_counter()
    try:
        if arguments.everything:
            done = client.cut_everything(by)
        elif arguments.line:
            done = client.cut_line(arguments.line, by)
        else:
            done = client.cut_session(_whole_id(client, arguments.session), by)
    except GateUnreachable as error:
        _unreachable(home, error)
    except GateRefused as error:
        fail(Text(error.ja, error.en))
    _say_cut(done, (time.perf_counter() - started) * 1000)


def _status(arguments: Namespace) -> None:
    try:
        answer = _client(arguments.home, STATUS_TIMEOUT).status()
    except GateUnreachable as error:
        _unreachable(arguments.home, error)
    _say_status(answer)


def _client(home: Path, timeout: float) -> GateClient:
    return GateClient(Installation(home.absolute(), Options()).gate_socket, timeout)


def _whole_id(client: GateClient, part: str) -> str:
    """The one session whose id contains `part`; `part` itself when it names none now, for the gate to answer."""
    found = [each for each in client.status()["sessions"] if part.lower() in each]
    if len(found) > 1:
        fail(
            Text(
                f"「{part}」に当てはまる接続が{len(found)}件あります。もう少し長く指定してください。",
                f'"{part}" fits {len(found)} sessions; give more of the id.',
            ),
            USAGE,
        )
    return str(found[0]) if found else part


def _list_what_could_be_cut(home: Path) -> NoReturn:
    try:
        _say_status(_client(home, STATUS_TIMEOUT).status())
    except GateUnreachable as error:
        _unreachable(home, error)
    fail(
        Text(
            "何を遮断するか一つ指定してください: sekisho cut 接続番号 | --line 回線 | --everything",
            "Say what to cut, one of: sekisho cut SESSION | --line CODE | --everything",
        ),
        USAGE,
    )


def _say_cut(done: CutDone, whole: float) -> None:
    say(
        Text(
            f"遮断しました: {done.milliseconds:.1f} ミリ秒(往復 {whole:.1f})。終了した接続 {len(done.ended)} 件。",
            f"Cut: {done.milliseconds:.1f} ms at the gate ({whole:.1f} with the way). "
            f"Sessions ended: {len(done.ended)}.",
        )
    )
    for session in done.ended:
        write(f"  {session}")
    say(
        Text(
            f"市が解除するまで再接続できません。遮断番号 {done.latch}。理由は画面で後から選べます。",
            f"Nothing it covers reconnects until the city releases it. Latch {done.latch}. "
            "Choose the reason in the console afterwards.",
        )
    )


def _say_status(answer: dict[str, Any]) -> None:
    sessions = answer["sessions"]
    say(
        Text(
            f"関門 {answer['gate']}: いま中にいる接続 {len(sessions)} 件、解除待ちの遮断 {answer['latches']} 件、"
            f"データベース {'接続中' if answer['database'] else '不通'}",
            f"Gate {answer['gate']}: {len(sessions)} inside now, {answer['latches']} latches in force, "
            f"database {'reached' if answer['database'] else 'NOT reached'}",
        )
    )
    for session in sessions:
        write(f"  {session}")


def _unreachable(home: Path, error: GateUnreachable) -> NoReturn:
    if isinstance(error.__cause__, PermissionError):
        fail(
            Text(
                "関門の窓口を開く権限がありません。"
                "sudo を付けるか、sekisho-switch グループの利用者で実行してください。",
                "You may not open the gate's socket. Use sudo, or an account in the group `sekisho-switch`.",
            ),
            UNREACHABLE,
        )
    fail(
        Text(
            f"関門が応答しません({home}/run/gate.sock)。関門の処理が止まっていれば、そこを通る接続も"
            "終わっています。動いていて応答しないときは systemctl kill -s KILL sekisho-gate、"
            "それでも不安なときは回線のケーブルを抜いてください。",
            f"The gate does not answer ({home}/run/gate.sock: {error}). If its process is gone, so is every "
            "session through it. If it runs and is silent: systemctl kill -s KILL sekisho-gate. "
            "In doubt, pull the line's cable.",
        ),
        UNREACHABLE,
    )
