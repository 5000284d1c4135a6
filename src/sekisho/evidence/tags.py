"""Every event that is evidence, by name: `source:subject:action`, in one place."""

from enum import StrEnum


class Tag(StrEnum):
    """The closed list of what can be said in the log. A name, once used, never changes its meaning."""

    # people
    PERSON_SIGNED_IN = "console:person:signed-in"
    PERSON_SIGN_IN_REFUSED = "console:person:sign-in-refused"
    PERSON_SIGNED_OUT = "console:person:signed-out"
    PERSON_CONFIRMED = "console:person:confirmed-by-authenticator"
    PERSON_REGISTERED = "city:person:registered"
    PERSON_SUSPENDED = "city:person:suspended"
    CODE_ISSUED = "city:enrolment-code:issued"
    AUTHENTICATOR_ENROLLED = "console:authenticator:enrolled"
    AUTHENTICATOR_REVOKED = "city:authenticator:revoked"
    TERMINAL_CERTIFIED = "city:terminal:certified"
    TERMINAL_REVOKED = "city:terminal:revoked"

    # contracts
    DOSSIER_IMPORTED = "city:dossier:imported"

    # access
    PERMIT_REQUESTED = "contractor:permit:requested"
    PERMIT_RESUBMITTED = "contractor:permit:resubmitted"
    PERMIT_APPROVED = "city:permit:approved"
    PERMIT_RETURNED = "city:permit:returned"
    PERMIT_WITHDRAWN = "city:permit:withdrawn"
    EMERGENCY_ASKED = "contractor:emergency:asked"
    EMERGENCY_OPENED = "city:emergency:opened"
    EMERGENCY_RATIFIED = "city:emergency:approved"
    EMERGENCY_DISOWNED = "city:emergency:disowned"
    INCIDENT_OPENED = "worker:incident:opened"
    INCIDENT_CLOSED = "city:incident:closed"
    DUTY_ENTERED = "city:on-call:entered"
    DUTY_REMOVED = "city:on-call:removed"
    PERMIT_EXTENDED = "city:permit:extended"
    LINE_OPENED = "city:line:opened"
    LINE_CLOSED = "city:line:closed"
    CUT = "city:session:cut"
    LATCH_REASONED = "city:latch:reasoned"
    LATCH_RELEASED = "city:latch:released"
    REPORT_FILED = "contractor:report:filed"
    REPORT_CONFIRMED = "city:report:confirmed"
    REPORT_RETURNED = "city:report:returned"
    ATTENDING_BEGAN = "city:attendance:began"
    ATTENDING_CONFIRMED = "city:attendance:confirmed"
    ATTENDING_ENDED = "city:attendance:ended"
    RECORDING_WATCHED = "console:recording:watched"
    RECORDING_REPLAYED = "console:recording:replayed"
    RECORDING_SEARCHED = "console:recording:searched"
    BUNDLE_EXPORTED = "console:bundle:exported"
    EVIDENCE_VIEWED = "console:evidence:viewed"

    # gate
    GATE_STARTED = "gate:gate:started"
    GATE_STOPPED = "gate:gate:stopped"
    CONNECTION_REFUSED = "gate:connection:refused"
    PROOF_REFUSED = "gate:proof:refused"
    SESSION_OPENED = "gate:session:opened"
    SESSION_REFUSED = "gate:session:refused"
    SESSION_ENDED = "gate:session:ended"
    SESSION_RECOVERED = "gate:session:recovered"
    JOURNAL_UNAPPLIED = "gate:journal:unapplied"
    SESSION_WARNED = "gate:session:warned"
    SESSION_FROZEN = "gate:session:frozen"
    SESSION_RELEASED = "gate:session:released"
    REQUEST_DENIED = "gate:request:denied"
    OUTPUT_STRIPPED = "gate:output:stripped"
    TARGET_FAILED = "gate:target:failed"
    TARGET_KEY_CHANGED = "gate:target:host-key-changed"

    # worker
    RECORDING_ALTERED = "worker:recording:altered"
