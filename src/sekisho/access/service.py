"""The verbs of this room, one door. The gate's own are in `gateway.py`."""

from sekisho.access.attending import (
    attendable,
    attended_by,
    begin_attending,
    confirm_attending,
    freeze_session,
    leave,
    resume_session,
    saw,
    signed_out,
)
from sekisho.access.permits import (
    Wish,
    approve_permit,
    extend_permit,
    request_permit,
    resubmit_permit,
    return_permit,
    wish_of,
    withdraw_permit,
)
from sekisho.access.reports import confirm_report, file_report, note_looked, note_searched, return_report
from sekisho.access.switches import (
    Cut,
    close_line,
    cut_everything,
    cut_line,
    cut_session,
    give_latch_reason,
    open_line,
    release_latch,
)

__all__ = [
    "Cut", "Wish", "approve_permit", "attendable", "attended_by", "begin_attending", "close_line",
    "confirm_attending", "confirm_report", "cut_everything", "cut_line", "cut_session", "extend_permit",
    "file_report", "freeze_session", "give_latch_reason", "leave", "note_looked", "note_searched", "open_line",
    "release_latch", "request_permit", "resubmit_permit", "resume_session", "return_permit", "return_report",
    "saw", "signed_out", "wish_of", "withdraw_permit",
]  # fmt: skip
