"""Where the objects of a run folder lie: whole or not at all, and never by halves after a crash.

Four verbs that a folder and an object store both have. Nothing else in the package opens a file
of a run folder for writing.
"""

import os
import secrets
from pathlib import Path


class FolderStore:
    """Objects as files below one folder.

    Args:
        root: The folder; made when the first object is put.

    Names have forward slashes and at most one folder, such as ``commits/00000.json``.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, name: str) -> Path:
        """Return where an object lies, whether it is there or not."""
        return self.root / name

    def exists(self, name: str) -> bool:
        """Say whether there is such an object."""
        return self.path(name).is_file()

    def read(self, name: str) -> bytes:
        """Return an object's bytes.

        Raises:
            FileNotFoundError: There is none.
        """
        return self.path(name).read_bytes()

    def names(self, folder: str) -> list[str]:
        """Return the names of the objects in a folder, sorted; none where it is missing."""
        try:
            found = [path.name for path in (self.root / folder).iterdir()]
        except FileNotFoundError:
            return []
        return sorted(f"{folder}/{name}" for name in found if not name.startswith("."))

    def put(self, name: str, data: bytes | memoryview, *, is_durable: bool = True) -> None:
        """Write an object, replacing one of that name.

        Args:
            name: Of the object.
            data: Its bytes.
            is_durable: It has to survive a power cut, not only the end of this process.
        """
        temporary = self._write(name, data, is_durable=is_durable)
        try:
            temporary.replace(self.path(name))
        finally:
            temporary.unlink(missing_ok=True)
        if is_durable:
            _sync_folder(temporary.parent)

    def put_if_absent(self, name: str, data: bytes | memoryview) -> bool:
        """Write an object unless there is one of that name: of several writers one wins.

        Returns:
            Whether it was written by this call.
        """
        target = self.path(name)
        if target.exists():
            return False
        temporary = self._write(name, data, is_durable=True)
        try:
            target.hardlink_to(temporary)
        except FileExistsError:
            return False
        except OSError:  # a file system without hard links: the last of two at one moment wins
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(target.parent)
        return True

    def delete(self, name: str) -> None:
        """Remove an object; none of that name is no error."""
        self.path(name).unlink(missing_ok=True)

    def _write(self, name: str, data: bytes | memoryview, *, is_durable: bool) -> Path:
        target = self.path(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
        try:
            with temporary.open("xb") as file:
                file.write(data)
                if is_durable:
                    file.flush()
                    os.fsync(file.fileno())
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return temporary


def _sync_folder(folder: Path) -> None:
    # The name must reach the disk too; a system that cannot open a folder sees to it itself.
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
