"""Every tag of the log as a sentence. A test holds it complete."""

from collections.abc import Mapping

from sekisho.evidence.tags import Tag
from sekisho.kernel.text import Text

SAY: Mapping[str, Text] = {
    Tag.PERSON_SIGNED_IN: Text("画面にサインインした", "signed in to the console"),
    Tag.PERSON_SIGN_IN_REFUSED: Text("サインインを断られた", "was refused sign-in"),
    Tag.PERSON_SIGNED_OUT: Text("サインアウトした", "signed out"),
    Tag.PERSON_CONFIRMED: Text("認証器で本人を確かめた", "confirmed with the authenticator"),
    Tag.PERSON_REGISTERED: Text("人を登録した", "registered a person"),
    Tag.PERSON_SUSPENDED: Text("人の利用を停止した", "suspended a person"),
    Tag.CODE_ISSUED: Text("登録コードを出した", "issued an enrolment code"),
    Tag.AUTHENTICATOR_ENROLLED: Text("認証器を登録した", "enrolled an authenticator"),
    Tag.AUTHENTICATOR_REVOKED: Text("認証器を失効させた", "revoked an authenticator"),
    Tag.TERMINAL_CERTIFIED: Text("端末に証明書を出した", "certified a terminal"),
    Tag.TERMINAL_REVOKED: Text("端末を失効させた", "revoked a terminal"),
    Tag.DOSSIER_IMPORTED: Text("契約の書類を取り込んだ", "imported contract papers"),
    Tag.PERMIT_REQUESTED: Text("許可を申請した", "requested the permit"),
    Tag.PERMIT_RESUBMITTED: Text("許可を申請し直した", "resubmitted the permit"),
    Tag.PERMIT_APPROVED: Text("許可した", "approved the permit"),
    Tag.PERMIT_RETURNED: Text("申請を差し戻した", "sent the request back"),
    Tag.PERMIT_WITHDRAWN: Text("許可を取り消した", "withdrew the permit"),
    Tag.PERMIT_EXTENDED: Text("許可を延長した", "extended the permit"),
    Tag.LINE_OPENED: Text("回線を開けた", "opened the line"),
    Tag.LINE_CLOSED: Text("回線を閉じた", "closed the line"),
    Tag.CUT: Text("接続を遮断した", "cut and latched"),
    Tag.LATCH_REASONED: Text("遮断の理由を記した", "gave the reason of the cut"),
    Tag.LATCH_RELEASED: Text("遮断を解除した", "released the latch"),
    Tag.REPORT_FILED: Text("作業報告を提出した", "filed the work report"),
    Tag.REPORT_CONFIRMED: Text("作業報告を確認した", "confirmed the work report"),
    Tag.REPORT_RETURNED: Text("作業報告を差し戻した", "sent the work report back"),
    Tag.RECORDING_WATCHED: Text("作業を見守った(実況)", "watched the session live"),
    Tag.RECORDING_REPLAYED: Text("記録を再生した", "opened the recording"),
    Tag.RECORDING_SEARCHED: Text("記録の中を検索した", "searched the recording"),
    Tag.BUNDLE_EXPORTED: Text("証跡一式を書き出した", "exported the evidence bundle"),
    Tag.EVIDENCE_VIEWED: Text("証跡を見た", "viewed evidence"),
    Tag.GATE_STARTED: Text("関門が動き始めた", "the gate started"),
    Tag.GATE_STOPPED: Text("関門が止まった", "the gate stopped"),
    Tag.CONNECTION_REFUSED: Text("接続を受け付けなかった", "turned a connection away"),
    Tag.PROOF_REFUSED: Text("端末・認証器・パスワードの確認を断った", "refused a proof"),
    Tag.SESSION_OPENED: Text("接続が始まった", "the session opened"),
    Tag.SESSION_REFUSED: Text("接続を許さなかった", "refused the session"),
    Tag.SESSION_ENDED: Text("接続が終わった", "the session ended"),
    Tag.SESSION_RECOVERED: Text("途切れた接続を後から締めた", "closed a broken session afterwards"),
    Tag.SESSION_FROZEN: Text("接続を一時停止した", "the session stood still"),
    Tag.SESSION_RELEASED: Text("接続を動かした", "the session went on"),
    Tag.ATTENDING_BEGAN: Text("立会いを始めた", "began to attend"),
    Tag.ATTENDING_CONFIRMED: Text("立会いの在席確認に答えた", "answered the presence check"),
    Tag.ATTENDING_ENDED: Text("立会いを終えた", "no longer attended"),
    Tag.SESSION_WARNED: Text("終了が近いと知らせた", "warned of the end"),
    Tag.REQUEST_DENIED: Text("認めない要求を断った", "denied a request"),
    Tag.OUTPUT_STRIPPED: Text("端末への書込みを取り除いた", "stripped a write to the terminal"),
    Tag.RECORDING_ALTERED: Text(
        "記録が、終了時に登録した要約値と違った", "found a recording that is not as it was registered"
    ),
    Tag.TARGET_FAILED: Text("対象システムにつながらなかった", "could not reach the target"),
    Tag.TARGET_KEY_CHANGED: Text(
        "対象システムの鍵が登録と違った", "the target's key was not the registered one"
    ),
    Tag.JOURNAL_UNAPPLIED: Text("関門の記録を台帳に当てはめられなかった", "could not apply a journal entry"),
}
