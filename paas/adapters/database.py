"""One SQLite file behind one writer and one reader connection (aiosqlite's only door).

A transaction once begun is finished whatever happens to the caller that awaits
it: it runs as its own task that holds the writer's lock until it has committed
or rolled back. Two coroutines never share a transaction.
"""

import asyncio
import contextlib
import errno
import sqlite3
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from paas.adapters import store_schema
from paas.aio.tasks import Tasks
from paas.errors import PaasError, Unavailable

BUSY_TIMEOUT = 5.0
"""Seconds to wait for a foreign process that holds the file."""
JOURNAL_SIZE_LIMIT = 16 * 1024**2

T = TypeVar("T")
Row = tuple[Any, ...]


class Transaction:
    """The writer's connection while a transaction is open."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def run(self, sql: str, parameters: Iterable[object] = ()) -> int:
        """Execute; the number of rows changed."""
        async with self._connection.execute(sql, tuple(parameters)) as cursor:
            return cursor.rowcount

    async def run_many(self, sql: str, rows: Iterable[Iterable[object]]) -> None:
        await self._connection.executemany(sql, [tuple(row) for row in rows])

    async def insert(self, sql: str, parameters: Iterable[object]) -> int:
        """Execute; the id of the new row."""
        async with self._connection.execute(sql, tuple(parameters)) as cursor:
            return cursor.lastrowid or 0

    async def rows(self, sql: str, parameters: Iterable[object] = ()) -> list[Row]:
        return [tuple(row) for row in await self._connection.execute_fetchall(sql, parameters)]


class Database:
    """Open with `open`; every method raises only `paas.errors`."""

    def __init__(
        self, path: Path, *, writer: aiosqlite.Connection, reader: aiosqlite.Connection
    ) -> None:
        self._path = path
        self._writer = writer
        self._reader = reader
        self._writing = asyncio.Lock()
        self._tasks = Tasks()
        self._closed = False

    @classmethod
    async def open(cls, path: Path) -> "Database":
        """Migrate the file and connect.

        Raises `Unavailable` (`store_corrupt`, `newer_schema`, `disk_full`, `store_busy`,
        `store_failed`).
        """
        try:
            await asyncio.to_thread(store_schema.prepare, path)
            writer = await _connect(path)
            try:
                reader = await _connect(path)
            except BaseException:
                await writer.close()
                raise
        except (sqlite3.Error, OSError) as error:
            raise translated(error, path) from error
        return cls(path, writer=writer, reader=reader)

    async def close(self) -> None:
        """Let the open transaction finish, refuse further ones, end both threads."""
        async with self._writing:
            if self._closed:
                return
            self._closed = True
            await self._reader.close()
            await self._writer.close()

    async def write(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run `work` in one durable transaction, after those before it.

        Cancelled while it waits for its turn, nothing happens; cancelled later, the
        transaction still ends as if it had not been.
        """
        await self._writing.acquire()
        task = self._tasks.spawn("store transaction", self._transact(work), awaited=True)
        return await asyncio.shield(task)

    async def read(self, sql: str, parameters: Iterable[object] = ()) -> list[Row]:
        """All rows of one statement, as of one moment."""
        self._check_open()
        try:
            found = await self._reader.execute_fetchall(sql, tuple(parameters))
        except sqlite3.Error as error:
            raise translated(error, self._path) from error
        return [tuple(row) for row in found]

    async def _transact(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """One transaction; gives the writer's lock back."""
        try:
            self._check_open()
            await self._writer.execute("BEGIN IMMEDIATE")
            return await self._committed(work)
        except sqlite3.Error as error:
            raise translated(error, self._path) from error
        finally:
            self._writing.release()

    async def _committed(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        try:
            result = await work(Transaction(self._writer))
            await self._writer.execute("COMMIT")
        except BaseException:
            await self._roll_back()
            raise
        return result

    async def _roll_back(self) -> None:
        # SQLite has rolled back by itself after some errors (a full disk is one).
        with contextlib.suppress(sqlite3.Error):
            if self._writer.in_transaction:
                await self._writer.execute("ROLLBACK")

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("The daemon is stopping.", code="stopping", advice="Try again later.")


async def _connect(path: Path) -> aiosqlite.Connection:
    connection = await aiosqlite.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None)
    try:
        await connection.execute("PRAGMA foreign_keys = ON")
        await connection.execute("PRAGMA synchronous = FULL")
        await connection.execute(f"PRAGMA journal_size_limit = {JOURNAL_SIZE_LIMIT}")
    except BaseException:
        await connection.close()
        raise
    return connection


_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_CORRUPT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def translated(error: sqlite3.Error | OSError, path: Path) -> PaasError:
    extended = getattr(error, "sqlite_errorcode", None) or 0
    code = extended & 0xFF
    if {code, extended} & _FULL or getattr(error, "errno", None) in {errno.ENOSPC, errno.EDQUOT}:
        return Unavailable(
            f"The disk of {path.parent} is full.",
            code="disk_full",
            advice="Free some space there and repeat the request; nothing was changed.",
        )
    if code in _BUSY:
        return Unavailable(
            "The database is locked by another program.",
            code="store_busy",
            advice=f"End whatever else has {path} open, and repeat the request.",
        )
    if code in _CORRUPT:
        return store_schema.corrupt(path, str(error))
    return Unavailable(
        f"The database {path} cannot be used: {error}.",
        code="store_failed",
        advice="See that its directory exists, is writable for the daemon and not broken.",
    )
