"""The files of the project, and what each imports."""

import ast
import subprocess

from browser import ROOT


def tracked_files() -> list[str]:
    """The files that git tracks and that say something: an empty `__init__.py` does not."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = [file for file in listing.split("\0") if file and (ROOT / file).exists()]
    return [file for file in files if not (file.endswith("__init__.py") and not (ROOT / file).read_text().strip())]


ROOMS = [path for room in ("pages", "fashion_core") for path in sorted((ROOT / room).rglob("*.py"))]


FILES = ["app.py", *(path.relative_to(ROOT).as_posix() for path in ROOMS)]


def imported(file: str, source: str) -> list[tuple[str, bool]]:
    """Every module that `source` imports, with whether the import waits inside a function."""
    package = file.removesuffix(".py").split("/")[:-1]
    found = []

    def visit(node: ast.AST, waits: bool) -> None:
        if isinstance(node, ast.Import):
            found.extend((alias.name, waits) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            found.extend((f"{base}.{alias.name}", waits) for alias in node.names)
        waits = waits or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            visit(child, waits)

    visit(ast.parse(source), False)
    return found
