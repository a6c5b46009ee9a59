"""Writes docs/cli.md from the help of the command line.

With --check it writes nothing, and fails when the page is not what it would write.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from paas.cli.main import paas

PAGE = Path(__file__).parents[1] / "docs" / "cli.md"
WIDTH = 96
HEAD = """# The command line

Made by `./scripts/cli-reference` from what `paas --help` and `paas COMMAND --help` show; do not
edit it by hand. `--json` prints machine-readable answers, `paas completion` a completion script.
"""


def main() -> int | str:
    text = page()
    if "--check" in sys.argv[1:]:
        return 0 if PAGE.read_text() == text else "docs/cli.md is old: run ./scripts/cli-reference"
    PAGE.write_text(text)
    return 0


def page() -> str:
    """The whole page."""
    return HEAD + "".join(_sections(paas, "paas", None)).rstrip() + "\n"


def _sections(command: click.Command, name: str, parent: click.Context | None) -> Iterator[str]:
    context = click.Context(
        command, info_name=name, parent=parent, terminal_width=WIDTH, max_content_width=WIDTH
    )
    whole = context.command_path
    yield f"\n## {whole}\n\n```\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for one in command.list_commands(context):
            found = command.get_command(context, one)
            if found is not None and not found.hidden:
                yield from _sections(found, one, context)


if __name__ == "__main__":
    sys.exit(main())
