"""From tokens, users and sessions to the API's shapes."""

from paas.api import answers_access as answers
from paas.api.cookies import csrf_token
from paas.api.render import moment, rfc3339
from paas.core.access import Principal, Scope, Session, Token, User


def token(known: Token) -> answers.Token:
    return answers.Token(
        id=known.id,
        name=known.name,
        scope=known.scope.value,
        service=known.service,
        note=known.note,
        created=rfc3339(known.created),
        creator=known.creator,
        expires=moment(known.expires),
        last_used=moment(known.last_used),
    )


def created_token(known: Token, secret: str) -> answers.CreatedToken:
    return answers.CreatedToken(**token(known).model_dump(), token=secret)


def user(known: User) -> answers.User:
    return answers.User(
        name=known.name,
        role=known.role.value,
        service=known.service,
        created=rfc3339(known.created),
        creator=known.creator,
    )


def session(known: Session, holder: Principal) -> answers.Session:
    return answers.Session(
        id=known.id,
        actor=holder.actor,
        address=known.address,
        created=rfc3339(known.created),
        seen=rfc3339(known.seen),
        expires=rfc3339(known.expires),
    )


def caller(
    principal: Principal, *, session: Session | None = None, secret: str | None = None
) -> answers.Caller:
    return answers.Caller(
        actor=principal.actor,
        scope=(principal.scope or Scope.READ).value,
        service=principal.view.service,
        session=session.id if session else None,
        expires=rfc3339(session.expires) if session else None,
        csrf=csrf_token(secret) if session and secret else None,
    )
