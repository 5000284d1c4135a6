"""Why people's verbs refuse, in words for the counter."""

from sekisho.kernel.outcome import Reason, Refused
from sekisho.kernel.text import Text


def refused(code: str, ja: str, en: str) -> Refused:
    return Refused((Reason(code, Text(ja, en)),))


SYSTEMS_ONLY = refused(
    "systems-only",
    "台帳を変えられるのは、情報システム担当課だけです。",
    "Only the systems division changes the register.",
)
NOT_ONESELF = refused(
    "not-oneself",
    "自分自身に対してはできません。ほかの担当者に頼むか、関門の機械で sekisho person を使ってください。",
    "Not for oneself. Ask a colleague, or use `sekisho person` on the machine.",
)
BAD_ENTRY = refused(
    "bad-entry",
    "ログイン名(半角の英数字、-、_、40字まで)、氏名、ふりがな(各100字まで)を入れてください。",
    "Give a login (ASCII letters, digits, - and _, up to 40), a name and its furigana (up to 100 each).",
)
WRONG_SIDE = refused(
    "wrong-side",
    "受託者の役割の人には受託者を、市の役割の人には所属課を選んでください(両方は選べません)。",
    "People of a contractor's role belong to a contractor, the city's people to a division, nobody to both.",
)
LOGIN_TAKEN = refused("login-taken", "このログイン名はすでに使われています。", "This login is taken already.")
SUSPENDED = refused(
    "suspended",
    "この人は利用停止中です。",
    "This person is suspended.",
)
ALREADY_SUSPENDED = refused(
    "suspended-already", "この人はすでに利用停止です。", "This person is suspended already."
)
WRONG_CODE = refused(
    "wrong-code",
    "ログイン名か登録コードが違うか、コードの期限(24時間)が切れています。窓口で新しいコードを受け取ってください。",
    "The login or the code is wrong, or the code has run out (24 hours). Ask at the counter for a new one.",
)
OPERATORS_ONLY = refused(
    "operators-only",
    "関門用の認証器は、受託者の作業者にだけ登録できます。",
    "Authenticators for the gate are registered for contractors' operators only.",
)
KEY_TAKEN = refused("key-taken", "この鍵はすでに登録されています。", "This key is registered already.")
ALREADY_REVOKED = refused("revoked-already", "すでに失効しています。", "It is revoked already.")
WRONG_LOGIN = refused(
    "wrong-login",
    "ログイン名かパスワードが違います。",
    "The login or the password is wrong.",
)
NO_AUTHENTICATOR = refused(
    "no-authenticator",
    "あなたの認証器が登録されていません。市の窓口で登録コードを受け取り、認証器を登録してください。",
    "No authenticator is registered for you. Get a code at the city's counter and enrol one.",
)
TERMINAL_REVOKED = refused(
    "terminal-revoked",
    "この端末は失効しています。失効した端末の鍵は二度と証明しません。新しい鍵の端末を台帳に加えてください。",
    "This terminal is revoked; its key is never certified again. Register a terminal with a new key.",
)
NO_NETWORKS = refused(
    "no-networks",
    "この端末の回線に、接続元の範囲が登録されていません。台帳(書類)の回線に範囲を加えて読み込んでください。",
    "The terminal's line has no source networks. Add them to the line in the papers and import again.",
)
BAD_PERIOD = refused(
    "bad-period",
    "有効期間は1日から400日までにしてください。",
    "Choose a period of 1 to 400 days.",
)
