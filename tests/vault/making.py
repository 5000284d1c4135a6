"""Makes recordings for tests: kinds and bytes at given seconds."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from sekisho.vault.format import Header, Kind
from sekisho.vault.recorder import Recorder

STARTED = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def recording(
    path: Path,
    frames: list[tuple[float, Kind, bytes]],
    charset: str = "utf-8",
    size: tuple[int, int] | None = (80, 24),
) -> Path:
    """Writes a recording whose frames have these times."""
    moments = iter([0.0, *(seconds for seconds, _, _ in frames)])
    writer = Recorder(path, Header(UUID(int=1), STARTED, size, charset), lambda: next(moments))
    for _, kind, data in frames:
        writer.write(kind, data)
    writer.close()
    return path


def typed(text: str, echo: bool = True, at: float = 0.0) -> list[tuple[float, Kind, bytes]]:
    """Keys pressed one by one, each echoed (or not), then Enter."""
    frames: list[tuple[float, Kind, bytes]] = []
    for char in text:
        at += 0.1
        frames.append((at, Kind.INPUT, char.encode()))
        if echo:
            frames.append((at + 0.01, Kind.OUTPUT, char.encode()))
    return [*frames, (at + 0.1, Kind.INPUT, b"\r"), (at + 0.11, Kind.OUTPUT, b"\r\n")]
