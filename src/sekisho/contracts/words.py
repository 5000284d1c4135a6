"""The fixed words of the papers' terms, as people say them. A test holds it complete. Pure."""

from collections.abc import Mapping

from sekisho.kernel.text import Text

WORDS: Mapping[str, Text] = {
    "ip-vpn": Text("IP-VPN(閉域網)", "IP-VPN"),
    "dedicated-line": Text("専用線", "dedicated line"),
    "routine-unattended": Text("定例の作業は立会いなし", "routine work unattended"),
    "great-change-attended": Text("大きく変える作業は職員が立ち会う", "great changes attended by city staff"),
    "first-use-attended": Text(
        "許可ごとの初回は職員が立ち会う", "the first use of a permit attended by city staff"
    ),
    "specific-personal-information-attended": Text(
        "特定個人情報を持つシステムは職員が立ち会う",
        "systems with specific personal information attended by city staff",
    ),
    "division": Text("業務所管課", "owning division"),
    "systems": Text("情報システム担当課", "systems division"),
    "always-attended": Text("いつも職員が立ち会う", "always attended by city staff"),
    "full-both-directions": Text("画面と入力をすべて残す", "everything shown and typed, in full"),
    "terminal+authenticator+password": Text(
        "端末、認証器、パスワードの三つをこの順に", "terminal, authenticator and password, in this order"
    ),
    "terminal+machine": Text(
        "端末、機械の鍵の二つをこの順に", "terminal and the machine's key, in this order"
    ),
    "lent-terminal-over-named-line": Text("貸与端末から、定めた回線で", "lent terminal over a named line"),
    "other": Text("それ以外", "anything else"),
    "none": Text("使わない", "none"),
    "city-issued": Text("市が貸し出したもの", "issued by the city"),
    "remote": Text("遠隔", "remote"),
    "resident": Text("常駐", "resident"),
    "on-call": Text("呼出し", "on call"),
}


def word(code: str) -> Text:
    """A term's fixed word; a registered name as it is."""
    return WORDS.get(code, Text(code, code))
