"""The `Unpacker` port: an untrusted zip, tar or tar.gz into a fresh directory.

The work is done in a thread beside the destination and moved there when it is
whole; a refusal, failure or cancellation leaves nothing. An archive with one
directory at its top and nothing beside it, as code hosts make them, is unpacked
without that directory.
"""

import asyncio
import errno
import secrets
import shutil
import threading
from pathlib import Path

from paas.adapters.archive_entries import open_entries
from paas.adapters.archive_tree import Caps, Tree
from paas.errors import Invalid, Unavailable


class ArchiveUnpacker:
    """`size` bytes and `entries` at most in all, `ratio` unpacked bytes per packed one.
    Without `strip` a single directory at the top stays.
    """

    def __init__(self, *, size: int, entries: int, ratio: int, strip: bool = True) -> None:
        self._strip = strip
        self._caps = Caps(size=size, entries=entries, ratio=ratio)

    async def unpack(self, archive: Path, into: Path) -> None:
        """Unpack into the new directory `into`.

        Raises `Invalid` (`bad_archive` naming the entry, `not_an_archive`,
        `empty_archive`), `TooLarge` (`archive_too_large`), `Unavailable` (`disk_full`,
        `unpack_failed`).
        """
        stop = threading.Event()
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(None, self._unpack, archive, into, stop)
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            stop.set()
            await asyncio.wait([work])
            work.exception()  # it ended because it was told to
            raise

    def _unpack(self, archive: Path, into: Path, stop: threading.Event) -> None:
        draft = into.with_name(f".{into.name}.{secrets.token_hex(8)}")
        placed = False
        try:
            draft.mkdir(mode=0o700, parents=True)
            tree = self._fill(draft, archive, stop)
            top = tree.only_directory() if self._strip else None
            into.mkdir(mode=0o755)  # fresh, or not ours to touch
            placed = True
            (draft / top if top else draft).replace(into)
            into.chmod(0o755)
            tree.make_links(into, stripped=1 if top else 0)
        except BaseException as error:
            if placed:
                shutil.rmtree(into, ignore_errors=True)
            if isinstance(error, OSError):
                raise _outside(error) from error
            raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _fill(self, draft: Path, archive: Path, stop: threading.Event) -> Tree:
        def check() -> None:
            if stop.is_set():
                raise Unavailable("Unpacking was cancelled.", code="cancelled")

        tree = Tree(draft, self._caps, packed=archive.stat().st_size, check=check)
        with open_entries(archive, most_entries=self._caps.entries) as entries:
            for entry in entries:
                tree.add(entry)
        if tree.empty:
            raise Invalid(
                "The archive holds no file.",
                code="empty_archive",
                advice="Pack the directory that holds the source, and upload that.",
            )
        return tree


def _outside(error: OSError) -> Unavailable:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return Unavailable(
            "The disk is full.",
            code="disk_full",
            advice="Free some space in data_dir and upload again.",
        )
    return Unavailable(
        f"The archive could not be unpacked: {error.strerror or error}.",
        code="unpack_failed",
        advice="See that data_dir is writable for the daemon, and upload again.",
    )
