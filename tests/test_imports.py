"""Who may import whom, so that the web process never loads torch and the training process never loads streamlit."""

import ast
import subprocess
import sys

import pytest
from browser import ROOT

# One room of the house to what it must not import.
FORBIDDEN = {
    "app.py": ("torch", "torchvision", "fashion_core.engine", "pages"),
    "pages": ("torch", "torchvision", "fashion_core.engine", "pages"),
    "fashion_core/ui": ("torch", "torchvision", "fashion_core.engine", "pages"),
    "fashion_core/engine": ("streamlit", "fashion_core.ui", "pages"),
    "fashion_core": ("streamlit", "torch", "torchvision", "fashion_core.ui", "fashion_core.engine", "pages"),
}
# Slow or large, and needed by some visits only: imported by the function that needs them. Plotly is not
# among them only because Streamlit itself loads its first layer.
HEAVY = ("torch", "torchvision", "sklearn", "scipy", "matplotlib", "openvino", "kagglehub")
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


def breaches(file: str, source: str) -> list[str]:
    """The modules that `file` imports and must not."""
    room = next(room for room in FORBIDDEN if file == room or file.startswith(f"{room}/"))
    found = []
    for module, waits in imported(file, source):
        if file == "fashion_core/__main__.py" and waits and module.startswith("fashion_core.engine"):
            continue  # the command line is the door to training, and opens it only when asked to train
        found += [module for wall in FORBIDDEN[room] if module == wall or module.startswith(f"{wall}.")]
    return found


@pytest.mark.parametrize("file", FILES)
def test_no_file_imports_across_a_wall(file):
    assert breaches(file, (ROOT / file).read_text()) == []


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("pages/train.py", "import torch.nn as nn"),
        ("pages/train.py", "def start():\n    from fashion_core.engine.training import train"),
        ("pages/home.py", "from pages import train"),
        ("fashion_core/ui/live.py", "from ..engine import models"),
        ("fashion_core/dataset.py", "import streamlit as st"),
        ("fashion_core/dataset.py", "from fashion_core import ui"),
        ("fashion_core/dataset.py", "def look():\n    import torchvision"),
        ("fashion_core/engine/training.py", "if True:\n    import streamlit"),
        ("fashion_core/__main__.py", "from fashion_core.engine import training"),
        ("fashion_core/__main__.py", "def show():\n    import streamlit"),
    ],
)
def test_a_breach_is_seen(file, source):
    assert len(breaches(file, source)) == 1


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("fashion_core/__main__.py", "def train():\n    from fashion_core.engine import training"),
        ("fashion_core/engine/training.py", "import torch\nfrom fashion_core import dataset"),
        ("pages/train.py", "import streamlit\nfrom fashion_core.ui.boot import boot"),
        ("fashion_core/charts.py", "import torchlike"),
    ],
)
def test_what_is_allowed_passes(file, source):
    assert breaches(file, source) == []


def test_importing_all_that_the_web_process_uses_loads_nothing_heavy():
    left_out = ("pages/", "fashion_core/engine/", "fashion_core/ui/router.py", "fashion_core/__main__.py")
    shared = [file for file in FILES[1:] if not file.startswith(left_out)]
    modules = [file.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for file in shared]
    code = f"import sys, {', '.join(modules)}\nprint(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == []
