"""The `Keyring` port: one file for each certificate, pending order and account.

Keys are sealed with the vault's key, so a copy of these files without `secret.key` is worth
nothing. A file is replaced whole, and on the disk before the call returns. They are apart
from the database on purpose: a restored or lost database costs no certificate, and no
second account.
"""

import asyncio
import errno
import hashlib
import logging
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from paas.adapters.documents import from_json, to_json
from paas.core.certifying import Held
from paas.errors import PaasError, Unavailable
from paas.ports import KeptCertificate, Notes, PendingOrder, Vault

log = logging.getLogger(__name__)
T = TypeVar("T")

CERTIFICATE, ORDER, ACCOUNT = ".certificate", ".order", ".account"
NOTES = "notes"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Certificate:
    host: str
    chain: str
    key: bytes
    held: Held
    order: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    url: str
    directory: str
    key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Account:
    directory: str
    key: bytes


class FileKeyring:
    """In `folder`, which is made when missing; `new_key` makes the keys of accounts."""

    def __init__(self, folder: Path, *, vault: Vault, new_key: Callable[[], str]) -> None:
        self._folder = folder
        self._vault = vault
        self._new_key = new_key
        self._accounts = asyncio.Lock()
        self._noting = asyncio.Lock()
        folder.mkdir(mode=0o700, exist_ok=True)

    @staticmethod
    def in_use(folder: Path) -> bool:
        """Whether anything there can only be opened with the vault's present key."""
        return any(any(folder.glob(f"*{kind}")) for kind in (CERTIFICATE, ORDER, ACCOUNT))

    async def certificates(self) -> list[KeptCertificate]:
        return await asyncio.to_thread(self._certificates)

    async def keep(self, certificate: KeptCertificate) -> None:
        kept = _Certificate(
            host=certificate.host,
            chain=certificate.chain,
            key=self._vault.seal(_context(CERTIFICATE, certificate.host), certificate.key),
            held=certificate.held,
            order=certificate.order,
        )
        await self._write(_name(certificate.host, CERTIFICATE), to_json(kept))

    async def drop(self, host: str) -> None:
        await self._remove(_name(host, CERTIFICATE))

    async def account(self, directory: str) -> str:
        name = hashlib.sha256(directory.encode()).hexdigest()[:16] + ACCOUNT
        context = _context(ACCOUNT, directory)
        async with self._accounts:
            known = await self._read(name, _Account)
            if known is not None:
                return self._vault.unseal(context, known.key)
            key = self._new_key()
            made = _Account(directory=directory, key=self._vault.seal(context, key))
            await self._write(name, to_json(made))
            return key

    async def order(self, host: str) -> PendingOrder | None:
        found = await self._read(_name(host, ORDER), _Order)
        if found is None:
            return None
        try:
            key = self._vault.unseal(_context(ORDER, host), found.key)
        except PaasError:
            return None
        return PendingOrder(url=found.url, directory=found.directory, key=key)

    async def keep_order(self, host: str, order: PendingOrder) -> None:
        sealed = self._vault.seal(_context(ORDER, host), order.key)
        kept = _Order(url=order.url, directory=order.directory, key=sealed)
        await self._write(_name(host, ORDER), to_json(kept))

    async def drop_order(self, host: str) -> None:
        await self._remove(_name(host, ORDER))

    async def notes(self) -> Notes:
        return await self._read(NOTES, Notes) or Notes()

    async def keep_notes(self, notes: Notes) -> None:
        text = to_json(notes)
        async with self._noting:  # in order, so that none undoes a later one
            await self._write(NOTES, text)

    # ---- private

    def _certificates(self) -> list[KeptCertificate]:
        found = []
        for path in sorted(self._folder.glob(f"*{CERTIFICATE}")):
            kept = _parsed(path, _Certificate)
            if kept is None:
                continue
            try:
                key = self._vault.unseal(_context(CERTIFICATE, kept.host), kept.key)
            except PaasError as error:
                fields = {"file": str(path), "problem": error.message}
                log.warning("certificate cannot be opened, it is passed over", extra=fields)
                continue
            self._drop_used(kept)
            found.append(
                KeptCertificate(
                    host=kept.host, chain=kept.chain, key=key, held=kept.held, order=kept.order
                )
            )
        return found

    def _drop_used(self, kept: _Certificate) -> None:
        """Its order, if a crash left it: it is done."""
        path = self._folder / _name(kept.host, ORDER)
        order = _parsed(path, _Order)
        if order is not None and order.url == kept.order:
            _unlink(path)

    async def _read(self, name: str, kind: type[T]) -> T | None:
        return await asyncio.to_thread(_parsed, self._folder / name, kind)

    async def _write(self, name: str, text: str) -> None:
        await asyncio.shield(asyncio.to_thread(_replace, self._folder / name, text))

    async def _remove(self, name: str) -> None:
        await asyncio.shield(asyncio.to_thread(_unlink, self._folder / name))


def _context(kind: str, name: str) -> str:
    return f"keyring/{kind[1:]}/{name}"


def _name(host: str, kind: str) -> str:
    """Host names hold nothing that a file name may not; the wildcard's star excepted."""
    return host.replace("*", "_") + kind


def _parsed(path: Path, kind: type[T]) -> T | None:
    try:
        return from_json(kind, path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(path, error) from error
    except (ValueError, TypeError, KeyError) as error:
        fields = {"file": str(path), "problem": str(error)}
        log.warning("file is damaged, it is passed over", extra=fields)
        return None


def _replace(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(draft, flags, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        _sync(path.parent)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise _unusable(path, error) from error


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
        _sync(path.parent)
    except OSError as error:
        raise _unusable(path, error) from error


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unusable(path: Path, error: OSError) -> Unavailable:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Unavailable(
            f"The disk of {path.parent} is full.",
            code="disk_full",
            advice="Free some space there; certificates cannot be kept until then.",
        )
    return Unavailable(
        f"{path} cannot be used: {error.strerror}.",
        code="file_unusable",
        advice="See that its directory exists and belongs to the daemon's user.",
    )
