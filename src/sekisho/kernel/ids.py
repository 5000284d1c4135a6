"""Identifiers: which string means what."""

import os
from datetime import datetime
from typing import NewType
from uuid import UUID

DivisionCode = NewType("DivisionCode", str)
ContractorCode = NewType("ContractorCode", str)
LoginId = NewType("LoginId", str)
TerminalCode = NewType("TerminalCode", str)
LineCode = NewType("LineCode", str)
SiteCode = NewType("SiteCode", str)
SystemCode = NewType("SystemCode", str)
ContractCode = NewType("ContractCode", str)
PermitNumber = NewType("PermitNumber", str)


def time_ordered_id(at: datetime, entropy: bytes | None = None) -> UUID:
    """A UUID version 7 (RFC 9562, section 5.7): 48 bits of milliseconds, then 74 random bits."""
    random = int.from_bytes(entropy if entropy is not None else os.urandom(10), "big")
    millis = int(at.timestamp() * 1000) & (2**48 - 1)
    value = millis << 80 | 0x7 << 76 | (random >> 62 & 0xFFF) << 64 | 0b10 << 62 | random & (2**62 - 1)
    return UUID(int=value)
