"""Which plan a source gets: the first language of `ORDER` that knows it."""

from collections.abc import Callable

from paas.core.languages import go, java, node, php, procfile, python, static
from paas.core.languages.facts import Facts
from paas.core.languages.plan import Plan, with_hints
from paas.errors import FieldError, Invalid

ORDER: tuple[Callable[[Facts, str], Plan | None], ...] = (
    java.plan,
    php.plan,
    go.plan,
    python.plan,
    node.plan,
    python.plan_main,
    java.plan_jar,
    static.plan,
)
"""From what is sure to what is less so; what serves a front end comes before its tools."""

LOOKED_FOR = (
    "Java (pom.xml, build.gradle, a .jar), PHP (composer.json, index.php), Go (go.mod), "
    "Python (requirements.txt, pyproject.toml, Pipfile, manage.py, main.py, app.py), "
    "Node.js (package.json) and a static site (index.html)"
)
NAMES_SHOWN = 20


def choose(facts: Facts) -> Plan:
    """Raises `Invalid`: `no_dockerfile` for a source that nothing knows, and
    `unclear_source` for one that is known and needs a word more.
    """
    web = procfile.web_command(facts)
    for known in ORDER:
        plan = known(facts, web)
        if plan is not None:
            return with_hints(plan, *procfile.hints(facts))
    raise _unknown(facts)


def told(plan: Plan) -> list[str]:
    """The plan for a log: what and why, then the Dockerfile."""
    return [
        f"There is no Dockerfile. This is {plan.title}: {plan.reason}.",
        *(f"Note: {hint}" for hint in plan.hints),
        "Building with this Dockerfile (`paas deploy --eject` writes it to your folder):",
        *(f"  {line}" for line in plan.dockerfile.splitlines()),
    ]


def ignore_file(plan: Plan) -> str:
    """The `.dockerignore` for a source that has none."""
    return "\n".join(plan.ignore) + "\n"


def _unknown(facts: Facts) -> Invalid:
    names = facts.top
    shown = ", ".join(names[:NAMES_SHOWN]) or "nothing"
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return Invalid(
        f"There is no Dockerfile, and the source is of no kind that is known. Looked for "
        f"{LOOKED_FOR}; its directory holds: {shown}{more}.",
        code="no_dockerfile",
        advice="Add a Dockerfile, or start from one with `paas init python`; if the program is in "
        "a subdirectory, name that as the build directory. See docs/languages.md.",
        fields=(FieldError(field="dockerfile", message="must be a file of the source"),),
    )
