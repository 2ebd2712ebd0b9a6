"""Who may import whom, so that the web process never loads torch and the training process never loads streamlit."""

import subprocess
import sys

import pytest
from browser import ROOT
from project_files import FILES, imported

# Each package of the core to those of the core that it may import; itself always. "" is the base: the modules that lie
# directly in fashion_core/. Arrows never run back, and evaluation and runs do not know each other.
BASE = ""
MAY_IMPORT = {
    BASE: (),
    "photos": (BASE,),
    "evaluation": (BASE, "photos"),
    "runs": (BASE, "photos"),
    "models": (BASE, "photos", "evaluation", "runs"),
    "reports": (BASE, "photos", "evaluation", "runs", "models"),
    "engine": (BASE, "photos", "evaluation", "runs", "models"),
    # What the server answers beside the pages: it may not know them, and knows no Streamlit, only ASGI.
    "api": (BASE, "photos", "evaluation", "runs", "models"),
    "cli": (BASE, "photos", "evaluation", "runs", "models", "reports", "engine"),  # the engine inside functions only
    "ui": (BASE, "photos", "evaluation", "runs", "models", "reports", "api"),  # one queue for both
    "pages": (BASE, "photos", "evaluation", "runs", "models", "reports", "ui"),
    "app.py": (BASE, "api", "ui"),  # it joins the two on one server
}
STREAMLIT, TORCH = ("ui", "pages", "app.py"), ("engine",)  # who may import streamlit, and who torch
# Slow or large, and needed by some visits only: imported by the function that needs them. Plotly is not
# among them only because Streamlit itself loads its first layer.
HEAVY = ("torch", "torchvision", "timm", "sklearn", "scipy", "matplotlib", "openvino", "kagglehub")


def room_of(path: str) -> str:
    """The key of MAY_IMPORT that a file or module, its names apart by slashes, belongs to."""
    first, *rest = path.removesuffix(".py").split("/")
    if first != "fashion_core":
        return path if path == "app.py" else first
    if rest[:1] == ["__main__"]:
        return "cli"
    return rest[0] if rest and rest[0] in MAY_IMPORT else BASE


def breaches(file: str, source: str) -> list[str]:
    """The modules that `file` imports and must not."""
    room, found = room_of(file), []
    for module, waits in imported(file, source):
        outside = module.split(".")[0]
        if outside in ("fashion_core", "pages"):
            other = room_of(module.replace(".", "/"))
            allowed = (other == room or other in MAY_IMPORT[room]) and outside != "pages"
            if (room, other) == ("cli", "engine"):  # opened only when asked to train
                allowed = waits
        else:
            allowed = (outside != "streamlit" or room in STREAMLIT) and (
                outside not in ("torch", "torchvision", "timm") or room in TORCH
            )
        found += [] if allowed else [module]
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
        ("fashion_core/photos/dataset.py", "import streamlit as st"),
        ("fashion_core/photos/dataset.py", "from fashion_core import ui"),
        ("fashion_core/photos/dataset.py", "def look():\n    import torchvision"),
        ("fashion_core/models/card.py", "def look():\n    import timm"),
        ("fashion_core/engine/training.py", "if True:\n    import streamlit"),
        ("fashion_core/__main__.py", "from fashion_core.engine import training"),
        ("fashion_core/__main__.py", "def show():\n    import streamlit"),
        ("fashion_core/cli/training.py", "from fashion_core.engine import training"),
        ("fashion_core/paper.py", "from fashion_core.photos import imaging"),
        ("fashion_core/photos/dataset.py", "from fashion_core.evaluation.evaluation import Evaluation"),
        ("fashion_core/evaluation/query.py", "from fashion_core import runs"),
        ("fashion_core/runs/experiment.py", "from fashion_core.evaluation import evaluation"),
        ("fashion_core/models/registry.py", "from fashion_core.reports import charts"),
        ("fashion_core/engine/worker.py", "from fashion_core.reports import figures"),
        ("fashion_core/ui/live.py", "import fashion_core.cli"),
    ],
)
def test_a_breach_is_seen(file, source):
    assert len(breaches(file, source)) == 1


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("fashion_core/__main__.py", "def train():\n    from fashion_core.engine import training"),
        ("fashion_core/engine/training.py", "import torch\nfrom fashion_core.photos import dataset"),
        ("pages/train.py", "import streamlit\nfrom fashion_core.ui.boot import boot"),
        ("fashion_core/reports/charts.py", "import torchlike"),
    ],
)
def test_what_is_allowed_passes(file, source):
    assert breaches(file, source) == []


def test_importing_all_that_the_web_process_uses_loads_nothing_heavy():
    left_out = (
        "pages/",
        "fashion_core/engine/",
        "fashion_core/ui/router.py",
        "fashion_core/__main__.py",
        "fashion_core/cli/",
    )
    shared = [file for file in FILES[1:] if not file.startswith(left_out)]
    modules = [file.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for file in shared]
    code = f"import sys, {', '.join(modules)}\nprint(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == []
