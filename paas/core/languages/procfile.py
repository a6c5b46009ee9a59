"""The Procfile: its `web` line is how the program starts, whatever the language."""

import re

from paas.core.languages.facts import Facts

_NAME = re.compile(r"[A-Za-z0-9_-]+")


def web_command(facts: Facts) -> str:
    """The command line after `web:`; empty when there is none."""
    return _commands(facts).get("web", "")


def hints(facts: Facts) -> tuple[str, ...]:
    """What the Procfile says and we do not do."""
    others = sorted(_commands(facts).keys() - {"web"})
    if not others:
        return ()
    return (f"The Procfile's {', '.join(others)} is not run: a service runs its web line only.",)


def _commands(facts: Facts) -> dict[str, str]:
    lines = (line.partition(":") for line in facts.text("Procfile").splitlines())
    named = ((name, command.strip()) for name, _, command in lines if _NAME.fullmatch(name))
    return {name: command for name, command in named if command}
