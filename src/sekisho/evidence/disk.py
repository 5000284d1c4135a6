"""How the log's bytes reach the disk: the port at which tests let writes fail, before and after they happen."""

import os
from pathlib import Path

MODE = 0o640


class Disk:
    """The real one. Every method raises OSError; what then is on the disk, only reading it tells."""

    def append(self, file: int, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(file, view) :]

    def sync(self, file: int) -> None:
        os.fdatasync(file)

    def replace(self, path: Path, data: bytes) -> None:
        """Puts `data` at `path` as a whole or not at all, and durably."""
        new = path.with_name(path.name + ".new")
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, MODE)
        try:
            self.append(file, data)
            self.sync(file)
        finally:
            os.close(file)
        new.rename(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
