"""What a sign concludes: never "not connected" out of ignorance."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from sekisho.sign.beats import BadBeat, Beat, State, is_nonce
from sekisho.sign.watch import FRESH, Watch, shown

KEY = Ed25519PrivateKey.generate()
NONCE = "0123456789abcdef" * 2


def beat(state: State = State.NOT_CONNECTED, nonce: str = NONCE) -> Beat:
    return Beat("gate-1", state, int(state is State.CONNECTED), 3, nonce)


def test_a_beat_is_read_as_it_was_written() -> None:
    """Round trip, with and without the line's end."""
    for state in (State.CONNECTED, State.NOT_CONNECTED):
        line = beat(state).signed(KEY)
        assert Beat.read(line + b"\n", KEY.public_key(), NONCE) == beat(state)


def test_what_is_no_answer_is_refused() -> None:
    """Another key, another question, a changed byte, a state no gate has, and anything else."""
    line = beat().signed(KEY)
    with pytest.raises(BadBeat):
        Beat.read(line, Ed25519PrivateKey.generate().public_key(), NONCE)
    with pytest.raises(BadBeat):
        Beat.read(line, KEY.public_key(), NONCE[::-1])
    with pytest.raises(BadBeat):
        Beat.read(line.replace(b"not-connected", b"connected"), KEY.public_key(), NONCE)
    with pytest.raises(BadBeat):
        Beat.read(beat(State.UNKNOWN).signed(KEY), KEY.public_key(), NONCE)
    for odd in (b"", b" ", b"{} AAAA", b"x" * 5000, line[:-1], line + b" x", b"\xff\xfe \xff"):
        with pytest.raises(BadBeat):
            Beat.read(odd, KEY.public_key(), NONCE)


@given(st.binary(max_size=200), st.integers(0, 300))
def test_any_changed_beat_is_refused(noise: bytes, place: int) -> None:
    """Bytes put anywhere into a good beat."""
    line = beat().signed(KEY)
    changed = line[:place] + noise + line[place + len(noise) :]
    if changed.strip() != line:
        with pytest.raises(BadBeat):
            Beat.read(changed, KEY.public_key(), NONCE)


@pytest.mark.parametrize("text", ["", "zz", "0" * 31, "0" * 65, "G" * 32, "0" * 32 + "\n", "Ａ" * 32])
def test_what_is_no_nonce(text: str) -> None:
    """Only what cannot be guessed or smuggle anything in."""
    assert not is_nonce(text)
    assert is_nonce(NONCE)


def test_fresh_from_the_asking() -> None:
    """An answer that took two seconds is good for half a second more."""
    watch = Watch()
    assert shown([watch], 0.0) == (State.UNKNOWN, 0)
    watch.answered(beat(), asked=10.0)
    assert shown([watch], 12.0) == (State.NOT_CONNECTED, 0)
    assert shown([watch], 10.0 + FRESH) == (State.UNKNOWN, 0)
    watch.answered(beat(State.CONNECTED), asked=9.0)
    assert shown([watch], 12.0) == (State.NOT_CONNECTED, 0)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2), st.sampled_from([State.CONNECTED, State.NOT_CONNECTED]), st.floats(0, 20)
        ),
        max_size=30,
    ),
    st.floats(0, 25),
)
def test_never_not_connected_out_of_ignorance(answers: list[tuple[int, State, float]], now: float) -> None:
    """`NOT_CONNECTED` only when every gate said so lately; `CONNECTED` when one did."""
    watches = [Watch(), Watch(), Watch()]
    for which, state, asked in answers:
        if asked <= now:
            watches[which].answered(beat(state), asked)
    latest = [
        max(
            ((asked, at) for at, (w, _, asked) in enumerate(answers) if w == which and asked <= now),
            default=None,
        )
        for which in range(3)
    ]
    states = [answers[each[1]][1] if each and now - each[0] < FRESH else None for each in latest]
    expected = State.UNKNOWN
    if State.CONNECTED in states:
        expected = State.CONNECTED
    elif all(state is State.NOT_CONNECTED for state in states):
        expected = State.NOT_CONNECTED
    assert shown(watches, now)[0] is expected
