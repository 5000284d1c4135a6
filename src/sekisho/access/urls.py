"""Every URL of this room, and who may reach it."""

from django.urls import path

from sekisho.access import (
    attend_pages,
    calendar_pages,
    emergency_pages,
    evidence_pages,
    line_pages,
    permit_pages,
    schedule_pages,
    session_pages,
)
from sekisho.kernel.text import Text
from sekisho.people.roles import Role

app_name = "access"
urlpatterns = [
    path("permits/", permit_pages.permit_list, name="permit-list"),
    path("permits/new/", permit_pages.permit_new, name="permit-new"),
    path("permits/<slug:number>/", permit_pages.permit, name="permit"),
    path("permits/<slug:number>/mend/", permit_pages.permit_mend, name="permit-mend"),
    path("permits/<slug:number>/approve/", permit_pages.approve, name="permit-approve"),
    path("permits/<slug:number>/return/", permit_pages.send_back, name="permit-return"),
    path("permits/<slug:number>/withdraw/", permit_pages.withdraw, name="permit-withdraw"),
    path("permits/<slug:number>/extend/", permit_pages.extend, name="permit-extend"),
    path("permits/<slug:number>/open-emergency/", emergency_pages.emergency_open, name="emergency-open"),
    path(
        "permits/<slug:number>/approve-emergency/", emergency_pages.emergency_ratify, name="emergency-ratify"
    ),
    path(
        "permits/<slug:number>/disown-emergency/", emergency_pages.emergency_disown, name="emergency-disown"
    ),
    path("calendar/", calendar_pages.calendar_page, name="calendar"),
    path("calendar/year/", calendar_pages.calendar_year, name="calendar-year"),
    path("calendar/sekisho.ics", calendar_pages.calendar_file, name="calendar-file"),
    path("calendar/systems/", calendar_pages.system_sheet, name="system-sheet"),
    path("processing/new/", schedule_pages.processing_new, name="processing-new"),
    path("processing/<uuid:number>/", schedule_pages.processing, name="processing"),
    path("processing/<uuid:number>/amend/", schedule_pages.processing_amend, name="processing-amend"),
    path("processing/<uuid:number>/agree/", schedule_pages.processing_agree, name="processing-agree"),
    path("processing/<uuid:number>/object/", schedule_pages.processing_object, name="processing-object"),
    path(
        "processing/<uuid:number>/withdraw/", schedule_pages.processing_withdraw, name="processing-withdraw"
    ),
    path("emergency/", emergency_pages.emergency_new, name="emergency-new"),
    path("on-call/", emergency_pages.on_call, name="on-call"),
    path("on-call/enter/", emergency_pages.duty_enter, name="duty-enter"),
    path("on-call/<int:number>/remove/", emergency_pages.duty_remove, name="duty-remove"),
    path("incidents/", emergency_pages.incident_list, name="incident-list"),
    path("incidents/<uuid:number>/close/", emergency_pages.incident_close, name="incident-close"),
    path("lines/", line_pages.line_list, name="line-list"),
    path("lines/<slug:code>/open/", line_pages.line_open, name="line-open"),
    path("lines/<slug:code>/close/", line_pages.line_close, name="line-close"),
    path("lines/<slug:code>/cut/", line_pages.line_cut, name="line-cut"),
    path("cut-everything/", line_pages.cut_everything, name="cut-everything"),
    path("latches/", line_pages.latch_list, name="latch-list"),
    path("latches/<uuid:number>/", line_pages.latch, name="latch"),
    path("latches/<uuid:number>/reason/", line_pages.latch_reason, name="latch-reason"),
    path("latches/<uuid:number>/release/", line_pages.latch_release, name="latch-release"),
    path("sessions/", session_pages.session_list, name="session-list"),
    path("sessions/<uuid:number>/", session_pages.session, name="session"),
    path("sessions/<uuid:number>/cast/", session_pages.cast, name="session-cast"),
    path("sessions/<uuid:number>/live/", session_pages.live, name="session-live"),
    path("sessions/<uuid:number>/cut/", session_pages.cut, name="session-cut"),
    path("sessions/<uuid:number>/report/", session_pages.report, name="report"),
    path("sessions/<uuid:number>/report/confirm/", session_pages.report_confirm, name="report-confirm"),
    path("sessions/<uuid:number>/report/return/", session_pages.report_return, name="report-return"),
    path("sessions/<uuid:number>/export/", session_pages.export, name="session-export"),
    path("sessions/<uuid:number>/freeze/", attend_pages.freeze, name="session-freeze"),
    path("sessions/<uuid:number>/resume/", attend_pages.resume, name="session-resume"),
    path("attend/", attend_pages.attend, name="attend"),
    path("attend/now/", attend_pages.attend_now, name="attend-now"),
    path("attend/check/<slug:login>/", attend_pages.attend_check, name="attend-check"),
    path("attend/<uuid:number>/begin/", attend_pages.attend_begin, name="attend-begin"),
    path("attend/<uuid:number>/leave/", attend_pages.attend_leave, name="attend-leave"),
    path("evidence/", evidence_pages.evidence, name="evidence"),
]

_ALL = frozenset(Role)
_CITY = _ALL - {Role.MANAGER, Role.OPERATOR}
_WATCHERS = frozenset({Role.SYSTEMS, Role.DIVISION, Role.AUDITOR})
_CUTTERS = frozenset({Role.SYSTEMS, Role.DIVISION})
_SYSTEMS = frozenset({Role.SYSTEMS})
_OWNER = frozenset({Role.DIVISION})
_MANAGER = frozenset({Role.MANAGER})
ROLES = {
    "access:permit-list": _ALL,
    "access:permit": _ALL,
    "access:permit-new": _MANAGER,
    "access:permit-mend": _MANAGER,
    "access:permit-approve": _OWNER,
    "access:permit-return": _OWNER,
    "access:permit-extend": _OWNER,
    "access:permit-withdraw": _CUTTERS,
    "access:emergency-open": _CUTTERS,
    "access:emergency-ratify": _OWNER,
    "access:emergency-disown": _OWNER,
    "access:emergency-new": frozenset({Role.OPERATOR}),
    "access:on-call": _CITY,
    "access:duty-enter": _CUTTERS,
    "access:duty-remove": _CUTTERS,
    "access:incident-list": _CITY,
    "access:incident-close": _CUTTERS,
    "access:calendar": _ALL,
    "access:calendar-year": _ALL,
    "access:calendar-file": _ALL,
    "access:system-sheet": _CITY,
    "access:processing": _ALL,
    "access:processing-new": _SYSTEMS,
    "access:processing-amend": _SYSTEMS,
    "access:processing-withdraw": _SYSTEMS,
    "access:processing-agree": _OWNER,
    "access:processing-object": _OWNER,
    "access:line-list": _ALL,
    "access:line-open": _SYSTEMS,
    "access:line-close": _SYSTEMS,
    "access:line-cut": _SYSTEMS,
    "access:cut-everything": _SYSTEMS,
    "access:latch-list": _CITY,
    "access:latch": _CUTTERS,
    "access:latch-reason": _CUTTERS,
    "access:latch-release": _SYSTEMS,
    "access:session-list": _ALL,
    "access:session": _ALL,
    "access:session-cast": _WATCHERS,
    "access:session-live": _WATCHERS,
    "access:session-cut": _CUTTERS,
    "access:session-freeze": _CUTTERS,
    "access:session-resume": _CUTTERS,
    "access:attend": _CUTTERS,
    "access:attend-now": _CUTTERS,
    "access:attend-check": _CUTTERS,
    "access:attend-begin": _CUTTERS,
    "access:attend-leave": _CUTTERS,
    "access:report": frozenset({Role.OPERATOR}),
    "access:report-confirm": _CUTTERS,
    "access:report-return": _CUTTERS,
    "access:session-export": frozenset({Role.SYSTEMS, Role.AUDITOR}),
    "access:evidence": frozenset({Role.SYSTEMS, Role.AUDITOR, Role.CLERK}),
}
NAVIGATION = [
    ("access:session-list", Text("接続", "Sessions")),
    ("access:attend", Text("立会い", "Attendance")),
    ("access:permit-list", Text("許可", "Permits")),
    ("access:calendar", Text("暦", "Calendar")),
    ("access:line-list", Text("回線", "Lines")),
    ("access:latch-list", Text("遮断", "Latches")),
    ("access:on-call", Text("当番", "On call")),
    ("access:incident-list", Text("事案", "Incidents")),
    ("access:evidence", Text("証跡", "Evidence")),
]
