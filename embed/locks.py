"""One writer at a time: a lock on a folder that the system lets go of when its holder dies, however it dies."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from embed.errors import StoreError

LOCK = "writer.lock"  # stays when it is free: who unlinks a lock file lets two processes hold two files of one name
NOTE = "writer.json"  # who holds it, for the message of those who are refused


@contextmanager
def only_writer(folder: Path, what: str, wait: float = 0) -> Iterator[None]:
    """Hold `folder` alone while the block runs; makes the folder. `what` names the holder, such as "embed_artwork".

    Where another process holds it, or this one already does, waits up to `wait` seconds and then raises StoreError naming the
    holder. Raises StoreError also where the file system has no locks: one that a killed process leaves behind is worse.
    Processes that the holder starts do not inherit it.
    """
    from filelock import FileLock, Timeout

    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK, timeout=wait, thread_local=False, fallback_to_soft=False)
        lock.acquire()
    except Timeout as error:
        raise StoreError(f"{_holder(folder)} is writing to {folder}; wait for it, or stop it, and run again") from error
    except OSError as error:
        remedy = "check permissions, and that its file system has locks (flock)"
        raise StoreError(f"{folder} cannot be locked ({error.strerror or error}); {remedy}") from error
    try:
        _write_note(folder, what)
        yield
    finally:
        with suppress(OSError):
            (folder / NOTE).unlink()  # before the lock goes, or it would take the next holder's
        lock.release()


def _write_note(folder: Path, what: str) -> None:
    note = {"what": what, "pid": os.getpid(), "host": socket.gethostname(), "since": datetime.now(UTC).isoformat()}
    with suppress(OSError):  # on a full disk the lock holds all the same; only its holder's name is lost
        (folder / NOTE).write_text(json.dumps(note), encoding="utf-8")


def _holder(folder: Path) -> str:
    """The holder as its note has it; "another process" where the note is not there yet, or is left from one that died."""
    try:
        note = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        if note["host"] == socket.gethostname() and not _is_alive(int(note["pid"])):
            return "another process"
        since = datetime.fromisoformat(note["since"])
        return f"another {note['what']} (process {note['pid']} on {note['host']}, since {since:%Y-%m-%d %H:%M} UTC)"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # not ours to signal, but there
        return True
    return True
