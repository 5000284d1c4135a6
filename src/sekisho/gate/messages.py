"""Everything the gate says in an operator's terminal, Japanese first, English under it."""

from datetime import datetime

from sekisho.access.facts import EndReason
from sekisho.access.sentences import WORK_KINDS
from sekisho.gate.freeze import Freeze, Why
from sekisho.kernel.clock import TOKYO
from sekisho.kernel.outcome import Refused
from sekisho.kernel.text import Text

_RULE = "-" * 64

NOT_READY = Text(
    "関所の準備ができていません(台帳か記録に届きません)。市の情報システム担当へ連絡してください。",
    "The gate is not ready (register or record out of reach). Call the city's systems division.",
)
TARGET_KEY_CHANGED = Text(
    "対象システムの鍵が登録と違います。つながずに終了し、市へ知らせました。市の情報システム担当へ連絡してください。",
    "The target's host key is not the registered one. Not connected; the city has been alarmed. "
    "Call its systems division.",
)
TARGET_FAILED = Text(
    "対象システムにつながりません。止まっているかもしれません。市の情報システム担当へ連絡してください。",
    "The target cannot be reached; it may be down. Call the city's systems division.",
)

_ENDS = {
    EndReason.CUT: Text("市がこの接続を遮断しました。", "The city has cut this connection."),
    EndReason.WINDOW_ENDED: Text("許可された時間が終わりました。", "The permitted time is over."),
    EndReason.LINE_CLOSED: Text("市が回線を閉じました。", "The city has closed the line."),
    EndReason.PERMIT_WITHDRAWN: Text("市が許可を取り消しました。", "The city has withdrawn the permit."),
    EndReason.NO_LONGER_ALLOWED: Text(
        "この接続は許可されなくなりました。", "This connection is no longer allowed."
    ),
    EndReason.RECORDER_FAILED: Text(
        "記録を書けなくなったため終了しました。書けなかったものは送っていません。",
        "Ended: the record can no longer be written. Nothing unrecorded was forwarded.",
    ),
    EndReason.EVIDENCE_FAILED: Text(
        "証跡を残せなくなったため終了しました。", "Ended: evidence can no longer be left."
    ),
    EndReason.LEASE_LOST: Text(
        "台帳に届かないまま猶予が過ぎたため終了しました。",
        "Ended: the register was out of reach for longer than the lease.",
    ),
    EndReason.OTHER_WORK: Text(
        "許可された定型処理と一字一句同じではないため、何も実行していません。変えたときは、市の許可を取り直してください。",
        "Nothing was run: it is not, to the byte, the job that is permitted. If it changed, have it permitted anew.",
    ),
    EndReason.OUTPUT_LIMIT: Text(
        "出力が許可された量を超えたため終了しました。", "Ended: more output than the job is permitted."
    ),
    EndReason.NOBODY_ATTENDS: Text(
        "立ち会う職員がそろわないため終了しました。市の所管課へ連絡してください。",
        "Ended: not enough city staff attended. Call the owning division.",
    ),
    EndReason.TOO_MANY_REQUESTS: Text(
        "認められない要求が多すぎるため終了しました。",
        "Ended: too many requests of kinds that are never granted.",
    ),
    EndReason.GATE_STOPPED: Text("関所を停止するため終了しました。", "Ended: the gate is being stopped."),
    EndReason.TARGET_FAILED: TARGET_FAILED,
    EndReason.TARGET_KEY_CHANGED: TARGET_KEY_CHANGED,
}


def notice(system: Text, permit: str, until: datetime, session: str) -> str:
    """What an operator reads before the target's first byte."""
    local = until.astimezone(TOKYO)
    return "\n".join(
        (
            _RULE,
            f"関所 接続先: {system.ja} / 許可 {permit} / {local:%m月%d日 %H:%M} まで",
            "画面と入力はすべて記録され、市の職員が見ています。ファイル転送と転送機能は使えません。",
            f"Sekisho target: {system.en} / permit {permit} / until {local:%Y-%m-%d %H:%M} JST",
            "Screen and input are recorded in full and watched by city staff. No file transfer, no forwarding.",
            f"接続番号 / session: {session}",
            _RULE,
            "",
        )
    )


def refusal(refused: Refused) -> str:
    """Every reason with the clause it comes from."""
    lines = [_RULE, "関所: つながりません。理由:", "Sekisho: not connected, because:"]
    for number, reason in enumerate(refused.reasons, 1):
        lines += [f" {number}. {reason.text.ja}", f"    {reason.text.en}  [{reason.code}]"]
        lines += [f"    - {source.place.ja} 「{source.quote}」" for source in reason.sources[:3]]
    return "\n".join([*lines, _RULE, ""])


def warning(minutes: int) -> str:
    return _plain(
        Text(
            f"あと{minutes}分で接続が終わります。延長は市へ連絡してください。",
            f"{minutes} min left. Only the city can extend this session.",
        )
    )


def standing_still(why: Why | None, freeze: Freeze, present: int) -> str:
    """What the operator reads when his session stands still, or goes on."""
    need = freeze.need
    if why is None:
        return _plain(Text("再開しました。", "Going on."))
    if why is Why.BUTTON:
        return _plain(
            Text(
                "市の職員が一時停止しました。再開まで何も動きません。打った文字は再開後に送られます。",
                "City staff have paused this session. What you type is sent when it goes on.",
            )
        )
    number = need.number if need else 1
    if why is Why.LEFT:
        return _plain(
            Text(
                f"立ち会う職員が足りないため止まっています({present}人/{number}人)。戻ると再開し、"
                f"{freeze.limit / 60:.0f}分戻らないと終わります。打った文字は再開後に送られます。",
                f"Paused: {present} of {number} attendants present. Goes on when they are back, "
                f"ends after {freeze.limit / 60:.0f} min. What you type is sent when it goes on.",
            )
        )
    kinds = need.kinds if need else frozenset()
    why_ja = "、".join(WORK_KINDS[each].ja for each in sorted(kinds)) or "許可の条件"
    why_en = ", ".join(WORK_KINDS[each].en for each in sorted(kinds)) or "a condition of the permit"
    return _plain(
        Text(
            f"この作業には市の職員の立会いが要ります({why_ja})。職員{number}人がそろうのを待っています。"
            f"最長{freeze.wait / 60:.0f}分待ちます。",
            f"This work must be attended by city staff ({why_en}). Waiting for {number}, "
            f"at most {freeze.wait / 60:.0f} min.",
        )
    )


def ended(reason: EndReason) -> str | None:
    """The last line an operator reads, or None where nothing needs saying."""
    text = _ENDS.get(reason)
    return _plain(text) if text else None


def plain(text: Text) -> str:
    return _plain(text)


def _plain(text: Text) -> str:
    return f"\n[関所] {text.ja}\n[Sekisho] {text.en}\n"
