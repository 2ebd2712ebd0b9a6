"""Every script of bench/ runs to its end on something small."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from browser import ROOT
from PIL import Image

from fashion_core import runs
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.evaluation.explanations import FILE, Explanations
from fashion_core.photos import sample
from fashion_core.runs import config

pytestmark = pytest.mark.timeout(900)  # together half a minute or so of a processor of their own
MODEL = ROOT / "weights" / "sample-mobilenet"


def run(module: str, *arguments: str | Path, monkeypatch) -> None:
    """As `python -m bench.MODULE ARGUMENTS` does."""
    monkeypatch.setattr(sys, "argv", [module, *map(str, arguments)])
    runpy.run_module(f"bench.{module}", run_name="__main__")


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    """Ten classes of two sample photos."""
    root = tmp_path_factory.mktemp("bench") / "sample"
    sample.render(root, per_class=2)
    return root


@pytest.fixture
def learned(tmp_path) -> Path:
    """A photo, of its class's colour, for each that sample-mobilenet learned or was tested on."""
    for number, path in enumerate(Explanations.load(MODEL / FILE).photos["path"]):
        (tmp_path / "learned" / path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32, 32), (number % 256, 90, 160)).save(tmp_path / "learned" / path)
    return tmp_path / "learned"


@pytest.mark.browser
def test_app(home, capfd):
    command = [sys.executable, ROOT / "bench" / "app.py", "--repeats", "1", "--small"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=home)
    if "No Chromium" in done.stderr and not os.environ.get("CI"):
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    assert "not measured" not in done.stdout
    lines = ("start to first page", "memory, predicting", "page change", "click on a cell", "live tick at 1,000 points")
    assert [line for line in lines if line not in done.stdout] == []


def test_figures(home, photos, tmp_path, monkeypatch):
    run_folder = runs.create(config.PRESETS["quick"], photos).folder
    events = [{"type": "start", "step": 0, "total_steps": 4, "epochs": 2, "steps_per_epoch": 2}]
    for step in range(1, 5):
        events.append({"type": "step", "step": step, "loss": 2.0, "accuracy": 0.2, "learning_rate": 0.1})
    events.append({"type": "epoch", "epoch": 1, "step": 2, "train_loss": 2.0, "train_accuracy": 0.2,
                   "validation_loss": 2.0, "validation_accuracy": 0.2})  # fmt: skip
    lines = [json.dumps({"v": 1, "seq": place, "t": 0.0} | event) for place, event in enumerate(events)]
    (run_folder / "events.jsonl").write_text("\n".join(lines) + "\n")
    table = pd.DataFrame({"path": ["1.jpg", "2.jpg"], "label": ["hat", "sock"]}, dtype=object)
    evaluation = Evaluation(("hat", "sock"), table, np.array([[0.9, 0.1], [0.6, 0.4]], np.float32), str(photos))
    evaluation.save(run_folder / "evaluation.parquet")
    run("figures", run_folder.name, tmp_path / "a", monkeypatch=monkeypatch)
    assert {file.name for file in tmp_path.glob("*.png")} == {"a-curves.png", "a-matrix.png"}


def test_looking(capsys, monkeypatch):
    run("looking", "400", monkeypatch=monkeypatch)
    figures = json.loads(capsys.readouterr().out)
    assert len(figures) == 12 and min(figures.values()) > 0


def test_model_agree(photos, capsys, monkeypatch):
    run("model", "agree", MODEL, photos, monkeypatch=monkeypatch)
    found = json.loads(capsys.readouterr().out)
    assert found["n"] == 20 and found["same_top"] == 1 and found["largest_difference"] < 0.02


def test_model_phone(photos, tmp_path, capsys, monkeypatch):
    for garment in ("dress", "shoes"):
        (tmp_path / garment).symlink_to(photos / f"black_{garment}")
    run("model", "phone", MODEL, tmp_path, monkeypatch=monkeypatch)
    found = json.loads(capsys.readouterr().out)
    assert found["n"] == 4 and 0 <= found["accuracy"] <= 1


def test_model_ood(photos, learned, capsys, monkeypatch):
    run("model", "ood", MODEL, learned, photos / "black_dress", monkeypatch=monkeypatch)
    found = json.loads(capsys.readouterr().out)
    assert found["black_dress"]["n"] == 2 and 0 <= found["black_dress"]["area_distance"] <= 1


def test_planted(capsys, monkeypatch):
    monkeypatch.setenv("BUSANA_HOME", "")  # it sets its own
    run("planted", "--small", "0", monkeypatch=monkeypatch)
    found = json.loads(capsys.readouterr().out)
    assert found["seed"] == 0 and found["swapped labels"]["planted"] == 10


def test_reruns(capsys, monkeypatch):
    monkeypatch.setenv("BUSANA_HOME", "")  # it sets its own
    run("reruns", "--photos", "400", "--only", "Colours", monkeypatch=monkeypatch)
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"Colours", "all photos, Colours"}
    assert all(figure > 0 for each in found.values() for figure in each.values())
    run("reruns", "--photos", "400", "--classes", "3", "--only", "Matrix", monkeypatch=monkeypatch)
    assert set(json.loads(capsys.readouterr().out)) == {"Matrix"}


def test_runs(capsys, monkeypatch):
    run("runs", "--runs", "2", monkeypatch=monkeypatch)
    found = json.loads(capsys.readouterr().out)
    assert found["parsed"] > 0 and found["again"] > 0 and found["first"] > 0


def test_sheet(learned, tmp_path, capsys, monkeypatch):
    run("sheet", MODEL, learned, tmp_path / "sheet.png", monkeypatch=monkeypatch)
    assert "label issues: " in capsys.readouterr().out
    assert Image.open(tmp_path / "sheet.png").format == "PNG"


RECORDER = """#!{python}
import sys
sys.path.insert(0, {root!r})
from fashion_core.cli.parser import parser
from fashion_core.runs.config import TrainConfig
assert sys.argv[1:3] == ["-m", "fashion_core"]
options = parser().parse_args(sys.argv[3:])
TrainConfig().changed(dict(pair.split("=", 1) for pair in getattr(options, "set", ())))
print(sys.argv[3], file=open({log!r}, "a"))
print({work!r})
"""


def test_experiment(tmp_path):
    """Every step of the script, with the real parser and the real settings in place of the work."""
    work, log = tmp_path / "work", tmp_path / "log"
    work.mkdir()
    (work / "best.safetensors").touch()
    stand_in = tmp_path / "python"
    stand_in.write_text(RECORDER.format(python=sys.executable, root=str(ROOT), log=str(log), work=str(work)))
    stand_in.chmod(0o755)
    script = ROOT / "bench" / "experiment.sh"
    subprocess.run(["bash", "-n", script], check=True)
    photos = tmp_path / "photos"
    for row in (ROOT / "docs" / "review" / "home-photos.csv").read_text().splitlines()[1:]:
        file = photos / row.split(",")[0]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    inputs = dict.fromkeys(("PAPER", "COLOURS", "HOME_PHOTOS"), str(photos))
    done = subprocess.run(["bash", script, work], env=os.environ | inputs | {"PYTHON": str(stand_in)},
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert log.read_text().split() == ["train"] * 3 + ["compare"] * 5 + ["train", "evaluate"]
    assert sorted(folder.name for folder in (work / "home").iterdir()) == ["dress", "pants", "shirt", "shoes", "shorts"]
