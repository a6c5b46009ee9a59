"""The Procfile: its `web` line is how the program starts, whatever the language."""

import re

from paas.core.languages.facts import Facts

_LINE = re.compile(r"^([A-Za-z0-9_-]+):[ \t]*(\S.*?)[ \t\r]*$", re.MULTILINE)


def web_command(facts: Facts) -> str:
    """The command line after `web:`; empty when there is none."""
    found: dict[str, str] = dict(_LINE.findall(facts.text("Procfile")))
    return found.get("web", "")


def hints(facts: Facts) -> tuple[str, ...]:
    """What the Procfile says and we do not do."""
    others = sorted({name for name, _ in _LINE.findall(facts.text("Procfile"))} - {"web"})
    if not others:
        return ()
    return (f"The Procfile's {', '.join(others)} is not run: a service runs its web line only.",)
