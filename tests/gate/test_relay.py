"""Recorded before forwarded, whatever comes in whichever order, and however the recording fails."""

import asyncio
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sekisho.gate.relay import STDERR, Relay
from sekisho.vault.format import Kind
from sekisho.vault.recorder import RecorderFailed

TO_OPERATOR = (Kind.OUTPUT, Kind.STDERR, Kind.NOTE)
Step = tuple[str, tuple[Any, ...]]

DATA = st.binary(min_size=1, max_size=20)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("from_operator"), st.tuples(DATA)),
        st.tuples(st.just("from_target"), st.tuples(DATA, st.sampled_from([None, STDERR]))),
        st.tuples(st.just("from_gate"), st.tuples(st.text("終わり", min_size=1), st.booleans())),
        st.tuples(st.just("resized"), st.tuples(st.tuples(*[st.integers(1, 300)] * 4))),
        st.tuples(st.just("signalled"), st.tuples(st.sampled_from(["INT", "TERM"]))),
        st.tuples(st.just("broken"), st.tuples(st.integers(0, 1000))),
        st.tuples(st.just("the loop goes round"), st.just(())),
    ),
    max_size=30,
)


class World:
    """Recorder and both channels in one: whoever is handed something looks whether it was recorded."""

    def __init__(self, good_writes: int | None) -> None:
        self.left = good_writes
        self.recorded: list[tuple[Kind, bytes]] = []
        self.shown, self.typed, self.told, self.failures = b"", b"", 0, 0
        self.in_time = True

    # The recorder

    def write(self, kind: Kind, data: bytes) -> None:
        if self.left is not None and len(self.recorded) >= self.left:
            raise RecorderFailed("full")
        self.recorded.append((kind, data))

    def fails(self) -> None:
        self.failures += 1

    def all_of(self, *kinds: Kind) -> bytes:
        return b"".join(data for kind, data in self.recorded if kind in kinds)

    # The channels

    def to_operator(self, data: bytes, datatype: int | None = None) -> None:
        self.shown += data
        self.in_time &= self.all_of(*TO_OPERATOR).startswith(self.shown)

    def to_target(self, data: bytes) -> None:
        self.typed += data
        self.in_time &= self.all_of(Kind.INPUT).startswith(self.typed)

    def tell(self, *_: object) -> None:
        self.told += 1
        self.in_time &= sum(kind in (Kind.RESIZE, Kind.SIGNAL) for kind, _ in self.recorded) >= self.told


class Channel:
    def __init__(self, write: Callable[..., None], tell: Callable[..., None]) -> None:
        self.write = write
        self.change_terminal_size = self.send_signal = self.send_break = tell


async def play(steps: list[Step], good_writes: int | None) -> World:
    world = World(good_writes)
    operator: Any = Channel(world.to_operator, world.tell)
    target: Any = Channel(world.to_target, world.tell)
    relay = Relay(world, operator, None, world.fails, lambda _: None)
    relay.connect(target)
    for name, words in steps:
        if words:
            getattr(relay, name)(*words)
        else:
            await asyncio.sleep(0)
    relay.flush()
    return world


@given(STEPS)
def test_everything_is_recorded_before_it_is_forwarded(steps: list[Step]) -> None:
    """Nobody is handed a byte, a size or a signal that is not in the recording yet; in the end all have all."""
    world = asyncio.run(play(steps, None))
    assert world.in_time
    assert world.shown == world.all_of(*TO_OPERATOR)
    assert world.typed == world.all_of(Kind.INPUT)
    sent = [words[0] for name, words in steps if name == "from_target"]
    assert world.all_of(Kind.OUTPUT, Kind.STDERR) == b"".join(sent)


@given(STEPS, st.integers(0, 10))
def test_what_cannot_be_recorded_is_not_forwarded(steps: list[Step], good_writes: int) -> None:
    """From the first frame that fails nothing goes on in any direction, and the passage is told."""
    world = asyncio.run(play(steps, good_writes))
    assert world.in_time
    assert world.shown == world.all_of(*TO_OPERATOR)
    assert world.typed == world.all_of(Kind.INPUT)
    whole = asyncio.run(play(steps, None))
    assert bool(world.failures) == (len(whole.recorded) > good_writes)
