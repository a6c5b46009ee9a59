"""Prints the largest functions and files, and fails beyond the house numbers.

Docstrings do not count. Limits: function 60 lines (p95 35), file 400, parameters 6
(positional 3 where public), the numbers of CONTRIBUTING.md.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FUNCTION, P95, FILE, PARAMETERS, POSITIONAL = 60, 35, 400, 6, 3
WORST = 5


class Size(NamedTuple):
    lines: int
    parameters: int
    positional: int
    where: str
    public: bool


def main() -> int:
    roots = [Path(name) for name in sys.argv[1:]] or [Path("paas")]
    paths = [path for root in roots for path in sorted(root.rglob("*.py"))]
    files = sorted(
        ((len(path.read_text().splitlines()), str(path)) for path in paths), reverse=True
    )
    sizes = sorted((size for path in paths for size in functions(path)), reverse=True)
    lines = sorted(size.lines for size in sizes)
    median, p95 = lines[len(lines) // 2], lines[int(len(lines) * 0.95)]
    print(f"{len(files)} files, {len(sizes)} functions: median {median} lines, p95 {p95}")
    for count, name in files[:WORST]:
        print(f"  file      {count:4} lines  {name}")
    for size in sizes[:WORST]:
        print(f"  function  {size.lines:4} lines  {size.where}")
    problems = [f"{name}: {count} lines" for count, name in files if count > FILE]
    problems += [f"{size.where}: {size.lines} lines" for size in sizes if size.lines > FUNCTION]
    problems += [
        f"{size.where}: {size.parameters} parameters, {size.positional} positional"
        for size in sizes
        if size.parameters > PARAMETERS or (size.public and size.positional > POSITIONAL)
    ]
    if p95 > P95:
        problems.append(f"p95 of functions is {p95} lines")
    for problem in problems:
        print(f"too large: {problem}", file=sys.stderr)
    return 1 if problems else 0


def functions(path: Path) -> Iterator[Size]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield measure(path, node)


def measure(path: Path, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Size:
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    if ast.get_docstring(node) is not None:
        first = node.body[0]
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    positional = [
        one for one in node.args.posonlyargs + node.args.args if one.arg not in ("self", "cls")
    ]
    parameters = len(positional) + len(node.args.kwonlyargs)
    return Size(
        lines,
        parameters,
        len(positional),
        f"{path}:{node.lineno} {node.name}",
        not node.name.startswith("_"),
    )


if __name__ == "__main__":
    sys.exit(main())
