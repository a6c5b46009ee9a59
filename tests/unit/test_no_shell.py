"""No shell anywhere: ruff's S rules say so of their forms, this of every call by name."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "paas"
SHELLS = {"system", "popen", "create_subprocess_shell", "getoutput", "getstatusoutput", "spawnlp"}


def test_nothing_starts_a_shell():
    found = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in PACKAGE.rglob("*.py")
        if "templates" not in path.parts  # programs of the users, not of the daemon
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and _is_shell(node)
    ]
    assert found == []


def _is_shell(call: ast.Call) -> bool:
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    return name in SHELLS or any(word.arg == "shell" for word in call.keywords)
