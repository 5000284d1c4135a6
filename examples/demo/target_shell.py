"""What answers on the demo's target: a make-believe server of the resident-information system.

The demo's sshd forces this program, so that the demo never opens a real shell on anybody's machine. Every line
it shows is invented.
"""

import getpass
import random
import shlex
import sys
import time
from collections.abc import Callable

PROMPT = "hosyu@juki-ap1:~$ "
JOBS = (
    "異動データ連携",
    "証明書交付連携",
    "住基ネット連携",
    "選挙人名簿抽出",
    "国保資格連携",
    "児童手当連携",
)


def main() -> None:
    """Reads commands until `exit` or the end of the line."""
    print("住民記録システム 業務サーバー juki-ap1 (汐見野市・実演用)\n")
    while True:
        try:
            words = shlex.split(input(PROMPT))
        except ValueError:
            print("引用符が閉じていません。")
            continue
        except (EOFError, KeyboardInterrupt):
            break
        if words[:1] in (["exit"], ["logout"]):
            break
        if words:
            COMMANDS.get(words[0], _unknown)(words)


def _jobs(words: list[str]) -> None:
    print(f"{'時刻':<10}{'処理':<18}{'件数':>8}  状態")
    for job in JOBS:
        print(f"{_clock():<10}{job:　<12}{random.randint(40, 9000):>8,}  完了")
        time.sleep(0.15)


def _log(words: list[str]) -> None:
    for _ in range(12):
        level = random.choices(("INFO", "WARN"), (9, 1))[0]
        words_ = "応答が遅れています" if level == "WARN" else "正常に終了しました"
        print(f"{_clock()} {level} {random.choice(JOBS)}: {words_} ({random.randint(3, 900)} ms)", flush=True)
        time.sleep(0.25)


def _disk(words: list[str]) -> None:
    print("Filesystem      Size  Used Avail Use% Mounted on")
    for name, used in (("/dev/sda2", 41), ("/dev/sdb1", 73), ("/dev/sdc1", 58)):
        bar = "█" * (used // 5) + "░" * (20 - used // 5)
        print(f"{name:<15} 500G  {used * 5:>3}G  {500 - used * 5:>3}G  {used:>3}% {bar}")


def _sudo(words: list[str]) -> None:
    """Asks for a password without echo: what is typed here must not show in the replay."""
    getpass.getpass("[sudo] hosyu のパスワード: ")
    print("夜間処理の待ち行列を空にしました。" if words[1:] else "使い方: sudo コマンド")


def _help(words: list[str]) -> None:
    print("使えるもの: jobs  log  df  sudo  help  exit")


def _unknown(words: list[str]) -> None:
    print(f"-bash: {words[0]}: コマンドが見つかりません")


def _clock() -> str:
    return time.strftime("%H:%M:%S")


COMMANDS: dict[str, Callable[[list[str]], None]] = {
    "jobs": _jobs,
    "log": _log,
    "df": _disk,
    "sudo": _sudo,
    "help": _help,
}

if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    main()
