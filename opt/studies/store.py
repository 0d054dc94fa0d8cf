"""A study's store: one SQLite file that a kill at any moment leaves whole.

WAL with synchronous=FULL: what `save` has returned from survives the process, and the machine's power too. The
parent process alone writes; a lock on ``<store>.lock``, which the kernel drops with the process, keeps others out.
"""

import errno
import fcntl
import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, Self

from counterpoint.opt.codec import decode_result, encode_result
from counterpoint.opt.errors import CounterpointError, InstanceError, StoreError, encodable, printable
from counterpoint.opt.problems.table import problem
from counterpoint.opt.result import Result

APPLICATION_ID = 0x43505453  # "CPTS", in the file's header: not just any SQLite file is a store
SCHEMA_VERSION = 1
LOCK_PATIENCE_S = 0.5
SCHEMA = (
    "CREATE TABLE instances (hash TEXT NOT NULL, name TEXT NOT NULL, json TEXT NOT NULL, PRIMARY KEY (hash, name))",
    "CREATE TABLE results (key TEXT PRIMARY KEY, place INTEGER NOT NULL, termination TEXT NOT NULL,"
    " instance_hash TEXT NOT NULL, instance_name TEXT NOT NULL, json TEXT NOT NULL)",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)


class Store:
    """An open store, locked for this process; use it as a context manager.

    Parameters
    ----------
    path : path-like
        Made, with its folder, if it does not exist.

    Raises
    ------
    StoreError
        If it is in use, damaged, of another kind, or cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._lock = _lock(self.path)
        try:
            with _told(self.path):
                self._connection = sqlite3.connect(self.path, isolation_level=None, timeout=10.0)
                self._open()
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        run = self._connection.execute
        is_new = run("PRAGMA schema_version").fetchone()[0] == 0
        if is_new:
            run("BEGIN EXCLUSIVE")
            for statement in SCHEMA:
                run(statement)
            run("COMMIT")
        _expect_ours(self._connection, self.path)
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = FULL")
        if (found := run("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise StoreError(f"{_named(self.path)} is damaged ({printable(found)}); {_REMEDY}")
        run("BEGIN IMMEDIATE")  # a read-only file says so now, and not after the first hour of solving
        run("COMMIT")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def load(self, key: str, instance: Any) -> Result | None:
        """Return the stored result of a case, with `instance` put in, or None."""
        with _told(self.path):
            row = self._connection.execute("SELECT json FROM results WHERE key = ?", (key,)).fetchone()
        return None if row is None else _decoded(row[0], instance, key, self.path)

    def save(self, key: str, result: Result) -> None:
        """Write a result; when this returns it is on the disk."""
        name, fingerprint = encodable(result.instance_name), result.instance_hash
        text = json.dumps({**encode_result(result), "instance": None})
        with _told(self.path):
            run = self._connection.execute
            run("BEGIN IMMEDIATE")
            try:
                known = run("SELECT 1 FROM instances WHERE hash = ? AND name = ?", (fingerprint, name)).fetchone()
                if known is None and result.instance is not None:
                    data = problem(result.problem).load("encode")(result.instance)
                    run("INSERT INTO instances VALUES (?, ?, ?)", (fingerprint, name, json.dumps(data)))
                run(
                    "INSERT INTO results VALUES (?, (SELECT COALESCE(MAX(place), 0) + 1 FROM results), ?, ?, ?, ?)"
                    " ON CONFLICT (key) DO UPDATE SET termination = excluded.termination, json = excluded.json",
                    (key, str(result.termination), fingerprint, name, text),
                )
                run("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    with suppress(sqlite3.Error):
                        run("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the file and let others in."""
        connection = getattr(self, "_connection", None)
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()
        self._lock.close()


def read_results(path: str | os.PathLike[str]) -> list[Result]:
    """Return all results in a store, oldest first, each with its instance; a running study does not mind.

    Raises
    ------
    StoreError
    """
    file = Path(path)
    with _told(file):
        if not file.is_file():
            raise StoreError(f"there is no {_named(file)}")
        # without a -wal file and a writable folder SQLite cannot even read in WAL mode, unless told nobody writes
        by_effective = os.access in os.supports_effective_ids
        is_open = os.access(file.parent, os.W_OK, effective_ids=by_effective)
        is_sealed = not is_open and not Path(f"{file}-wal").exists()
        uri = f"{file.absolute().as_uri()}?mode=ro{'&immutable=1' if is_sealed else ''}"
        with closing(sqlite3.connect(uri, uri=True, timeout=10.0)) as connection:
            _expect_ours(connection, file)
            rows = connection.execute(
                "SELECT r.key, r.json, r.instance_hash, r.instance_name, i.json FROM results r LEFT JOIN instances i"
                " ON i.hash = r.instance_hash AND i.name = r.instance_name ORDER BY r.place"
            ).fetchall()
    instances: dict[tuple[str, str], Any] = {}
    found = []
    for key, text, fingerprint, name, instance_text in rows:
        instance = instances.get((fingerprint, name))
        if instance is None and instance_text is not None:
            instance = instances[fingerprint, name] = _decoded_instance(text, instance_text, key, file)
        found.append(_decoded(text, instance, key, file))
    return found


_REMEDY = "restore it from a copy, or move it away and run the study again"


def _expect_ours(connection: sqlite3.Connection, path: Path) -> None:
    kind = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if kind != APPLICATION_ID:
        raise StoreError(f"{_named(path)} is not a counterpoint store; name another file")
    if version != SCHEMA_VERSION:
        raise StoreError(
            f"{_named(path)} was written by another version of counterpoint (schema {version}, here "
            f"{SCHEMA_VERSION}); name another file"
        )


def _lock(path: Path) -> IO[str]:
    """Hold ``<store>.lock``; StoreError if another study does."""
    file = None
    try:
        if path.is_dir():
            raise StoreError(f"{_named(path)} is a folder; a store is a file")
        path.parent.mkdir(parents=True, exist_ok=True)
        file = open(f"{path}.lock", "a+")  # noqa: SIM115 held until the store is closed
        _take(file)
    except BlockingIOError:
        assert file is not None
        file.seek(0)
        holder = printable(file.read(20).strip())
        file.close()
        by = f" (process {holder})" if holder else ""
        raise StoreError(f"{_named(path)} is in use by another study{by}; wait for it, or name another file") from None
    except (OSError, ValueError) as error:
        raise StoreError(f"cannot write {_named(path)}: {_cause(error)}") from None
    with suppress(OSError):  # only so that the message above can name us
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
    return file


def _take(file: IO[str]) -> None:
    """Lock the file; BlockingIOError if another process keeps it.

    A process started from the last holder shares its descriptors for an instant, until its exec closes them.
    """
    deadline = time.monotonic() + LOCK_PATIENCE_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.02)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what SQLite says into one clear line."""
    try:
        yield
    except CounterpointError:
        raise
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            text = "the disk is full; free some space and run again: what has finished is kept"
        elif code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
            text = f"cannot be opened for writing ({error}); check the permissions of the file and its folder"
        elif code == sqlite3.SQLITE_NOTADB:
            text = "is not a store (not an SQLite file); name another file"
        elif code == sqlite3.SQLITE_CORRUPT:
            text = f"is damaged ({error}); {_REMEDY}"
        elif code == sqlite3.SQLITE_BUSY:
            text = "is locked by another program; close it and run again"
        elif code == sqlite3.SQLITE_IOERR:
            text = f"cannot be read or written ({error}); is the disk full or gone? What has finished is kept"
        else:
            text = f"failed: {printable(str(error))}"
        raise StoreError(f"{_named(path)} {text}") from error
    except (OSError, ValueError) as error:
        raise StoreError(f"cannot use {_named(path)}: {_cause(error)}") from error


def _decoded(text: str, instance: Any, key: str, path: Path) -> Result:
    try:
        data = json.loads(text)
        data["instance"] = None
        result = decode_result(data)
    except (InstanceError, ValueError, TypeError) as error:
        raise StoreError(f"{_named(path)} is damaged at case {key[:12]} ({printable(str(error))}); {_REMEDY}") from None
    return replace(result, instance=instance)


def _decoded_instance(text: str, instance_text: str, key: str, path: Path) -> Any:
    try:
        return problem(json.loads(text)["problem"]).load("decode")(json.loads(instance_text))
    except (CounterpointError, ValueError, TypeError, KeyError) as error:
        raise StoreError(f"{_named(path)} is damaged at case {key[:12]} ({printable(str(error))}); {_REMEDY}") from None


def _named(path: Path) -> str:
    return f"store {printable(str(path))}"


def _cause(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "the disk is full"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return printable(str(error))
