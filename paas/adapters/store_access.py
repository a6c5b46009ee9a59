"""Tokens, users and sessions as rows of the store."""

from paas.adapters.database import Database, Transaction
from paas.adapters.documents import from_json, to_json
from paas.core.access import AccessChange, AccessRecords, Session, Token, User
from paas.errors import Conflict


async def read_access(database: Database) -> AccessRecords:
    """All of them: tokens and sessions by creation, users by name."""
    rows = await database.read(
        "SELECT 'token', document FROM tokens "
        "UNION ALL SELECT 'user', document FROM users "
        "UNION ALL SELECT 'session', document FROM sessions"
    )
    tokens = [from_json(Token, text) for kind, text in rows if kind == "token"]
    users = [from_json(User, text) for kind, text in rows if kind == "user"]
    sessions = [from_json(Session, text) for kind, text in rows if kind == "session"]
    return AccessRecords(
        tokens=tuple(sorted(tokens, key=lambda one: (one.created, one.id))),
        users=tuple(sorted(users, key=lambda one: one.name)),
        sessions=tuple(sorted(sessions, key=lambda one: (one.created, one.id))),
    )


async def save_access(transaction: Transaction, change: AccessChange) -> None:
    """Removals first. Raises `Conflict` (`token_exists`)."""
    await transaction.run_many("DELETE FROM tokens WHERE id = ?", _keys(change.tokens_gone))
    await transaction.run_many("DELETE FROM users WHERE name = ?", _keys(change.users_gone))
    await transaction.run_many("DELETE FROM sessions WHERE id = ?", _keys(change.sessions_gone))
    for token in change.put.tokens:
        await _check_name(transaction, token)
    await transaction.run_many(
        "INSERT OR REPLACE INTO tokens (id, name, document) VALUES (?, ?, ?)",
        [(one.id, one.name, to_json(one)) for one in change.put.tokens],
    )
    await transaction.run_many(
        "INSERT OR REPLACE INTO users (name, document) VALUES (?, ?)",
        [(one.name, to_json(one)) for one in change.put.users],
    )
    await transaction.run_many(
        "INSERT OR REPLACE INTO sessions (id, document) VALUES (?, ?)",
        [(one.id, to_json(one)) for one in change.put.sessions],
    )


def _keys(names: tuple[str, ...]) -> list[tuple[str]]:
    return [(name,) for name in names]


async def _check_name(transaction: Transaction, token: Token) -> None:
    """In the transaction: REPLACE would take the other one's row away."""
    taken = await transaction.rows(
        "SELECT 1 FROM tokens WHERE name = ? AND id != ?", (token.name, token.id)
    )
    if taken:
        raise Conflict(f"There is a token {token.name!r} already.", code="token_exists")
