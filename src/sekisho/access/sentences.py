"""What each refusal says to the person who reads it: what is, and what to do. `{term}` is what the papers allow."""

from collections.abc import Mapping

from sekisho.kernel.text import Text

SENTENCES: Mapping[str, Text] = {
    "no-permit": Text(
        "この作業の許可がありません。管理者から市へ許可を申請してください。",
        "There is no permit for this work. Have your manager request one from the city.",
    ),
    "permit-requested": Text(
        "許可はまだ申請中です。市の所管課の決定を待ってください。",
        "The permit is only requested so far. Wait for the owning division's decision.",
    ),
    "permit-returned": Text(
        "許可の申請は差し戻されています。管理者が直して出し直してください。",
        "The request was sent back. Your manager must mend and resubmit it.",
    ),
    "permit-withdrawn": Text(
        "市がこの許可を取り消しました。事情は市の所管課に確かめてください。",
        "The city has withdrawn this permit. Ask the owning division why.",
    ),
    "permit-not-begun": Text(
        "許可された時間がまだ始まっていません。許可の開始時刻を確かめてください。",
        "The permitted time has not begun. Check when the permit starts.",
    ),
    "permit-ended": Text(
        "許可された時間は終わりました。続けるには市に延長を求めるか、新しく申請してください。",
        "The permitted time is over. Ask the city to extend it, or request a new permit.",
    ),
    "other-system": Text(
        "このシステムは、この許可または契約の対象ではありません。接続先を確かめてください。",
        "This system is not covered by this permit or contract. Check which system you named.",
    ),
    "other-contract": Text(
        "許可は別の契約のものです。管理者に許可の内容を確かめてください。",
        "The permit belongs to another contract. Ask your manager to check it.",
    ),
    "operator-not-on-permit": Text(
        "この許可の作業者にあなたの名前がありません。管理者に確かめてください。",
        "You are not among this permit's operators. Ask your manager.",
    ),
    "operator-not-on-roster": Text(
        "契約の従事者名簿にあなたの名前がありません。管理者から市へ名簿の変更を届けてください。",
        "You are not on the contract's roster. Your manager must hand in a changed roster.",
    ),
    "operator-inactive": Text(
        "あなたの登録は停止されています。市の情報システム担当に確かめてください。",
        "Your registration is suspended. Ask the city's systems division.",
    ),
    "operator-of-another-contractor": Text(
        "あなたの所属は、この契約の受託者ではありません。",
        "You do not belong to this contract's contractor.",
    ),
    "terminal-unknown": Text(
        "この端末は登録されていません。市から貸与された端末で接続してください。",
        "This terminal is not registered. Connect from a PC that the city has lent.",
    ),
    "terminal-invalid": Text(
        "この端末の証明書は期限切れか失効しています。市の情報システム担当に更新を頼んでください。",
        "This terminal's certificate has expired or is revoked. Ask the systems division to renew it.",
    ),
    "terminal-of-another-contractor": Text(
        "この端末は、この契約の受託者に貸与されたものではありません。",
        "This terminal was not lent to this contract's contractor.",
    ),
    "terminal-not-in-terms": Text(
        "この端末は契約で定めた端末ではありません。定められた端末: {term}",
        "This terminal is not one the contract names. Named: {term}",
    ),
    "line-unknown": Text(
        "この端末がどの回線のものか登録されていません。市の情報システム担当に連絡してください。",
        "It is not registered to which line this terminal belongs. Call the systems division.",
    ),
    "line-closed": Text(
        "市が回線を開けていません。作業の前に市の情報システム担当へ連絡してください。",
        "The city has not opened the line. Call the systems division before work.",
    ),
    "line-of-another-contractor": Text(
        "この回線は、この契約の受託者のものではありません。",
        "This line does not belong to this contract's contractor.",
    ),
    "line-not-in-terms": Text(
        "この回線は契約で定めた回線ではありません。定められた回線: {term}",
        "This line is not one the contract names. Named: {term}",
    ),
    "line-kind-not-in-terms": Text(
        "この種類の回線は契約で認められていません。認められる種類: {term}",
        "The contract does not allow this kind of line. Allowed: {term}",
    ),
    "site-not-in-terms": Text(
        "この場所は契約の履行場所ではありません。定められた場所: {term}",
        "This is not a place of work under the contract. Named: {term}",
    ),
    "address-outside-line": Text(
        "接続元のアドレスが、登録された回線のものではありません。定められた回線から接続してください。",
        "The address you come from is not of the registered line. Connect over that line.",
    ),
    "no-emergency-lane": Text(
        "この契約の書類に、緊急時の条件(時間帯、最長、事後承認)がありません。通常の許可を申請してください。",
        "This contract's papers state no emergency lane (hours, longest, approval). Request a permit.",
    ),
    "emergency-one-at-a-time": Text(
        "緊急の許可では、同時に一つの接続しか開けません。開いている接続を先に終えてください。",
        "An emergency permit lets one session pass at a time. End the one that is open.",
    ),
    "other-lane": Text(
        "この許可は、この入り方のためのものではありません(無人の定型処理の許可では人は入れず、その逆もできません)。",
        "This permit is not for this way in: people do not use a job's permit, nor a job theirs.",
    ),
    "no-batch-lane": Text(
        "この契約の書類に、無人の定型処理の条件(時間帯、認証)がありません。所管課に書類を確かめてもらってください。",
        "This contract's papers state no unattended work (hours, authentication). Ask the division.",
    ),
    "outside-window": Text(
        "この定型処理に許可された時間の外です。時間: {term}",
        "Outside the hours permitted for this job: {term}",
    ),
    "batch-must-be-attended": Text(
        "契約の条件では、この処理には市の職員の立会いが要ります。無人では動かせません。",
        "By the terms this work must be attended: it does not run unattended.",
    ),
    "outside-hours": Text(
        "契約のサービス時間帯の外です(休日の扱いを含みます)。時間帯: {term}",
        "Outside the contract's service hours (holidays judged as holidays). Hours: {term}",
    ),
    "proofs-missing": Text(
        "端末、認証器(本人確認つき)、パスワードの3つがこの順にそろっていません。",
        "Terminal, authenticator (with the user verified) and password were not all proven in this order.",
    ),
    "latched": Text(
        "市が接続を遮断しています。市が解除するまで誰も再接続できません。",
        "The city has cut this connection. Nobody reconnects until the city releases it.",
    ),
    "recording-not-ready": Text(
        "記録を始められないため接続できません。市の情報システム担当に連絡してください。",
        "The recording cannot begin, so nothing may pass. Call the systems division.",
    ),
    "evidence-not-ready": Text(
        "証跡を残せないため接続できません。市の情報システム担当に連絡してください。",
        "Evidence cannot be left, so nothing may pass. Call the systems division.",
    ),
    "holidays-unknown": Text(
        "祝日の表が今日までしかないため、時間帯を判断できません。情報システム担当に、新しい版を入れるよう伝えてください。",
        "The table of holidays has ended, so no hours can be judged. Have a newer version installed.",
    ),
    "contract-not-begun": Text("契約期間がまだ始まっていません。", "The contract has not begun."),
    "contract-ended": Text("契約期間は終わっています。", "The contract is over."),
}

PERMIT_STATES: Mapping[str, Text] = {
    "requested": Text("申請中", "requested"),
    "returned": Text("差戻し", "sent back"),
    "approved": Text("許可", "approved"),
    "withdrawn": Text("取消し", "withdrawn"),
}

END_REASONS: Mapping[str, Text] = {
    "finished": Text("作業者が終えた", "Finished by the operator"),
    "client-gone": Text("作業者の接続が途切れた", "The client was gone"),
    "window-ended": Text("許可の時間が終わった", "The permitted time ended"),
    "cut": Text("市が遮断した", "Cut by the city"),
    "line-closed": Text("市が回線を閉じた", "The city closed the line"),
    "permit-withdrawn": Text("市が許可を取り消した", "The permit was withdrawn"),
    "no-longer-allowed": Text("条件に合わなくなった", "No longer allowed"),
    "recorder-failed": Text("記録を書けなくなった", "The recording could not be written"),
    "evidence-failed": Text("証跡を残せなくなった", "Evidence could not be left"),
    "lease-lost": Text("台帳に届かないまま猶予が過ぎた", "The lease was lost"),
    "target-failed": Text("対象システムにつながらなかった", "The target failed"),
    "target-key-changed": Text("対象システムの鍵が違った", "The target's key had changed"),
    "protocol": Text("通信の誤り", "Protocol error"),
    "nobody-attends": Text("立ち会う職員がそろわなかった", "Not enough city staff attended"),
    "other-work": Text("許可されたものと違う処理だった", "It was not the job that is permitted"),
    "output-limit": Text("出力が許可された量を超えた", "More output than permitted"),
    "too-many-requests": Text("認めない要求が多すぎた", "Too many denied requests"),
    "gate-stopped": Text("関門を止めた", "The gate was stopped"),
    "gate-crashed": Text("関門が落ちた(後から締めた)", "The gate crashed (closed afterwards)"),
}

STANDS_STILL: Mapping[str, Text] = {
    "waiting-for-attendants": Text("立ち会う職員がそろうのを待っている", "waits for its attendants"),
    "attendants-left": Text("立ち会う職員が足りなくなった", "its attendants have left"),
    "button": Text("市の職員が一時停止した", "frozen by city staff"),
}
"""Why a session stands still, by the gate's word for it."""

WORK_KINDS: Mapping[str, Text] = {
    "routine": Text("定例の作業", "routine work"),
    "great-change": Text("システムを大きく変える作業", "a great change"),
    "first-use": Text("この許可の初回", "the first use of the permit"),
    "specific-personal-information": Text("特定個人情報を持つシステム", "specific personal information"),
}
"""The kinds of work that papers tell apart."""

INCIDENTS: Mapping[str, Text] = {
    "emergency-not-approved": Text(
        "緊急の作業が期限までに承認されなかった", "Emergency work was not approved in time"
    ),
    "emergency-disowned": Text("緊急の作業を所管課が認めなかった", "The division disowned emergency work"),
}
"""What an incident is about."""

RULES: Mapping[str, Text] = {
    "once": Text("一回だけ", "once"),
    "weekly": Text("毎週", "every week"),
    "monthly": Text("毎月この日(短い月は末日)", "every month on this day (the last, where it is shorter)"),
    "last-working-day": Text("毎月の最終開庁日", "the last working day of every month"),
    "yearly": Text("毎年この日", "every year on this day"),
}
"""How processing comes again."""
