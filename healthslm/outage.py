"""A disk that is full, failing or read-only for a while: what the daemon makes of it.

Nothing can be acknowledged meanwhile, so nothing is lost: what was taken in since the last
commit is forgotten, as after a kill, and sensors and broker keep it. The store is closed (after
a failed sync only a fresh look tells what the disk holds; and a disk whose store is closed can be
unmounted and mended) and opened anew, ever more rarely, until a commit goes through.
"""

from __future__ import annotations

import errno
import logging
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from healthslm import service

PAUSE_S = (0.5, 30.0)  # first and longest: a board that has space again is back in half a minute
STEP_S = 0.25  # a signal is noticed so soon

# What SQLite and the kernel say of a disk, or of somebody who holds the store, but not of what
# is written on it: sqlite3 result codes (https://sqlite.org/rescode.html), errno(3).
_SQLITE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
}
_ERRNO = {errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG}

log = logging.getLogger(__name__)


def passes(error: BaseException) -> bool:
    """Return whether the disk is to blame and may mend; damage or a wrong key never pass."""
    return _is(error, _SQLITE, _ERRNO)


def full(error: BaseException) -> bool:
    """Return whether the disk has no room left."""
    return _is(error, {sqlite3.SQLITE_FULL}, {errno.ENOSPC, errno.EDQUOT})


def _is(error: BaseException, sqlite: set[int], numbers: set[int]) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, sqlite3.Error):
            return getattr(cause, "sqlite_errorcode", 0) & 0xFF in sqlite
        if isinstance(cause, OSError):
            return cause.errno in numbers
        cause = cause.__context__  # the store's own error hides SQLite's, and keeps it
    return False


class Outage:
    """The times in which the store cannot be written: each said once, however long it lasts."""

    def __init__(self) -> None:
        self._said = ""
        self._pause_s = PAUSE_S[0]
        self._ended_s = time.monotonic()

    def began(self, error: Exception) -> None:
        """Say what is wrong, where that is not said yet."""
        if time.monotonic() - self._ended_s > PAUSE_S[1]:
            self._pause_s = PAUSE_S[0]  # else it only seemed to be over: a last free page or two
        said = str(error) if not isinstance(error, OSError) else f"errno {error.errno}"
        if not self._said:
            service.notify("STATUS=the store cannot be written: nothing is acknowledged")
        if said != self._said:
            log.error("%s; nothing is acknowledged until the store can be written", said)
        self._said = said

    def ended(self) -> None:
        """Say that a commit went through again."""
        if self._said:
            log.warning("the store can be written again; sensors send what they kept")
            service.notify("STATUS=running")
        self._said, self._ended_s = "", time.monotonic()

    @staticmethod
    def shut_out(database: Path) -> bool:
        """Return whether the store's disk was mounted anew, out of reach of a daemon shut in.

        Landlock allows a folder, not its name: of a file system that comes again it knows none.
        """
        try:
            with database.open("rb"):
                return False
        except PermissionError:
            return True
        except OSError:
            return False

    def wait(self, stop: Callable[[], bool], folder: Path) -> None:
        """Wait before the next attempt, each time longer; not when `stop()` is true.

        Where `folder` is gone, its disk is being mended: wait until it is back.
        """
        end_s = time.monotonic() + self._pause_s
        self._pause_s = min(2 * self._pause_s, PAUSE_S[1])
        while not stop() and (time.monotonic() < end_s or not folder.exists()):
            time.sleep(STEP_S)
