"""Every script of bench/ runs to its end on something small."""

import json
import os
import runpy
import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from browser import ROOT
from datasets import colours
from PIL import Image

from fashion_core import UserError, runs
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.evaluation.explanations import FILE, Explanations
from fashion_core.models.card import DatasetFacts, ModelCard
from fashion_core.photos import dataset, sample
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


def test_growth(capsys, monkeypatch):
    monkeypatch.setenv("BUSANA_HOME", "")  # it sets its own
    small = ("--photos", "400", "--classes", "3", "--points", "200", "--rounds", "1")
    run("growth", *small, monkeypatch=monkeypatch)
    rows = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert [row[1].split()[1] for row in rows if row[0] == "ms"] == ["photos", "classes", "points"]
    figures = {
        row[0]: [float(each.replace(",", "")) for each in row[1:]] for row in rows if row[0] not in ("ms", "---")
    }
    assert len(figures) > 15 and all(len(each) == 4 and min(each[:3]) > 0 for each in figures.values())


def test_load(home):
    command = [sys.executable, "-m", "bench.load", "--visitors", "2", "--minutes", "0.1", "--pause", "0.5"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    said = dict(line.rsplit(maxsplit=1) for line in done.stdout.splitlines() if line)
    assert done.returncode == 0, done.stderr
    assert (said["failed"], said["photos lost"]) == ("0", "0")
    assert int(said["photos"]) >= 2 and int(said["reruns"]) >= 6


def test_watch(home):
    command = [sys.executable, "-m", "bench.watch", "--browsers", "2", "--seconds", "4", "--points", "500"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    said = dict(line.rsplit("  ", maxsplit=1) for line in done.stdout.splitlines() if "  " in line)
    said = {name.strip(): value for name, value in said.items()}
    assert done.returncode == 0, done.stdout + done.stderr
    assert said["failed"] == "0" and int(said["ticks"]) >= 1 and float(said["the server, cores"]) > 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows does not fork")
def test_kills():
    command = [sys.executable, "-m", "bench.kills", "--kills", "2", "--seed", "3"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
    said = dict(line.rsplit(maxsplit=1) for line in done.stdout.splitlines() if line)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (said["kills"], said["files that cannot be read"]) == ("2", "0")
    assert said["runs with other weights or answers"] == "0" and int(said["runs to their end"]) >= 1


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


def trained(name: str, photos: Path, wrong: set[str], **recipe) -> tuple[str, pd.DataFrame]:
    """A run's model by name, wrong about those test photos and right about all others; and its table of photos."""
    data = dataset.load(photos, recipe.get("split_seed", 0), grouped=recipe.get("split_groups", True))
    test = data.photos[data.photos["split"] == "test"][["path", "label"]].reset_index(drop=True)
    says = [data.classes[(label == data.classes[0]) ^ (path not in wrong)] for path, label in test.to_numpy()]
    probabilities = np.array([[float(label == said) for label in data.classes] for said in says], np.float32)
    folder = Path(os.environ["BUSANA_HOME"]) / "weights" / name
    Evaluation(data.classes, test, probabilities, str(photos)).save(folder / "evaluation.parquet")
    ModelCard(name, data.classes, 32, 1.0, settings=asdict(config.PRESETS["quick"]) | recipe,
              dataset=DatasetFacts(photos.name, data.fingerprint)).write(folder)  # fmt: skip
    return name, data.photos


def test_leakage(home, tmp_path, capsys, monkeypatch):
    """Two classes of 20: of each pair of copies with one in test and one in training the test photo leaks."""
    photos = tmp_path / "photos"
    for label in ("hat", "sock"):
        for number in range(20):  # 0 and 1, 2 and 3 … are one picture
            noise = np.random.default_rng([len(label), number // 2]).integers(0, 256, (6, 6, 3), np.uint8)
            (photos / label).mkdir(parents=True, exist_ok=True)
            Image.fromarray(noise).resize((60, 60)).save(photos / label / f"{number}.jpg", quality=90 + number % 2)
    (run_name, table), free = trained("usual", photos, set(), split_groups=False), trained("free", photos, set())[0]
    pair = table["path"].map(lambda path: (path[0], int(Path(path).stem) // 2))
    test, known = table["split"] == "test", set(pair[table["split"] == "train"])
    leaks = table["path"][test & pair.isin(known)]
    wrong = set(table["path"][test]) - set(leaks)  # right on what leaks, wrong on the rest
    trained("usual", photos, wrong, split_groups=False)
    run("leakage", photos, run_name, free, "--json", monkeypatch=monkeypatch)
    found = json.loads(capsys.readouterr().out)
    assert found["thumbnails"]["leaked"]["n"] == found["thumbnails"]["leaked"]["right"] == len(leaks) > 0
    assert found["thumbnails"]["others"]["n"] == len(wrong) and found["thumbnails"]["others"]["right"] == 0
    assert found["all"]["n"] == 4 and found["leak-free run"]["accuracy"] == 100 and "with file" not in found
    assert found["random less leak-free"]["points"] == round(25.0 * len(leaks) - 100, 2)

    rows = "".join(f"{path},all\n" for path in table["path"])  # as if all were one photo: every test photo leaks
    (tmp_path / "photos.near_duplicates.csv").write_text(f"photo,group\n{rows}")
    run("leakage", photos, run_name, free, monkeypatch=monkeypatch)
    text = capsys.readouterr().out
    assert "with file, leaked" in text and f"({len(leaks)} of 4)" in text and "points" in text
    with pytest.raises(SystemExit, match="split_groups=false first"):
        run("leakage", photos, free, run_name, monkeypatch=monkeypatch)


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


def test_predict(capsys, monkeypatch):
    monkeypatch.setattr(os, "sched_setaffinity", lambda *_: None, raising=False)  # the other tests keep all cores
    small = ("--models", MODEL, "--batches", "1", "2", "--rounds", "1", "--side", "300")
    run("predict", *small, "--only", "path", "large", monkeypatch=monkeypatch)
    told = capsys.readouterr().out
    rows = [line.split(" | ") for line in told.splitlines() if line.startswith("| sample-mobilenet")]
    assert len(rows) == 2 * 4 + 3 and all(float(row[-1].split()[0]) > 0 for row in rows)
    assert "processor time" in told.splitlines()[0]


def test_precision(learned, capsys, monkeypatch):
    monkeypatch.setattr(os, "sched_setaffinity", lambda *_: None, raising=False)
    run("precision", MODEL, learned, "--most", "4", "--rounds", "1", monkeypatch=monkeypatch)
    told = capsys.readouterr().out
    gate = next(line for line in told.splitlines() if line.startswith("| float32 |"))
    assert gate.split(" | ")[2] == "4" and gate.endswith("| passes |")  # beside itself
    assert sum(line.count("| bfloat16 |") for line in told.splitlines()) == 3  # the gate, and 1 and 32 photos


@pytest.mark.parametrize(("native", "same"), [("amx_bf16", 4), ("amx_bf16", 3), ("avx512_vnni", 4)])
def test_precision_keeps_in_the_card_what_passed_the_gate_and_nothing_else(
    native, same, learned, tmp_path, capsys, monkeypatch
):
    from bench import precision as script
    from bench import states as limits
    from fashion_core.models import precision
    from fashion_core.models.predictor import Predictor

    folder, told = tmp_path / "sample-mobilenet", []
    shutil.copytree(MODEL, folder)
    replace(ModelCard.read(folder), states=limits.States(0.8)).write(folder)
    (tmp_path / "cpuinfo").write_text(f"flags : {native}")
    monkeypatch.setattr(precision, "CPU_INFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(os, "sched_setaffinity", lambda *_: None, raising=False)
    found = precision.Measured(1.5, 4, same, 4, 4, 0.01, 0.01, cpu=native)
    monkeypatch.setattr(script, "gate", lambda *_: {"bfloat16": found})
    chosen = limits.States(0.9, 1.0)
    monkeypatch.setattr(limits, "choose", lambda asked, *rest: told.append(asked.precision) or chosen)
    monkeypatch.setattr(
        Predictor, "precision", property(lambda self: "bfloat16", lambda self, value: None), raising=False
    )
    before, write = (folder / "card.json").read_bytes(), partial(script.main, str(folder), [learned], 4, 0, False)
    if (native, same) == ("amx_bf16", 4):
        write(tmp_path)
        assert ModelCard.read(folder).precisions == {"bfloat16": replace(found, states=chosen)} and told == ["bfloat16"]
        assert "4 of 4 test photos keep their class" in (folder / "README.md").read_text()
    else:
        with pytest.raises(UserError, match="did not pass the gate" if native == "amx_bf16" else "does not compute in"):
            write(tmp_path)
        assert (folder / "card.json").read_bytes() == before and not told


def test_reruns(capsys, monkeypatch):
    monkeypatch.setenv("BUSANA_HOME", "")  # it sets its own
    run("reruns", "--photos", "400", "--only", "Colours", monkeypatch=monkeypatch)
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"Colours", "all photos, Colours"}
    assert all(figure > 0 for each in found.values() for figure in each.values())
    run("reruns", "--photos", "400", "--only", "click", monkeypatch=monkeypatch)
    (click,) = json.loads(capsys.readouterr().out).values()
    assert click["rerun_cpu"] > 0
    run("reruns", "--photos", "400", "--classes", "3", "--only", "Matrix", monkeypatch=monkeypatch)
    assert set(json.loads(capsys.readouterr().out)) == {"Matrix"}


def test_runs(capsys, monkeypatch):
    run("runs", "--runs", "2", monkeypatch=monkeypatch)
    found = json.loads(capsys.readouterr().out)
    assert found["parsed"] > 0 and found["again"] > 0 and found["first"] > 0


def test_scan(photos, capsys, monkeypatch):
    monkeypatch.setenv("BUSANA_HOME", "")  # it sets its own
    run("scan", photos, "--rounds", "1", monkeypatch=monkeypatch)
    rows = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert [row[0] for row in rows] == ["20 photos", "---", "decode", "first scan", "second scan"]
    assert rows[2][2].startswith("1.00")


def test_sheet(learned, tmp_path, capsys, monkeypatch):
    run("sheet", MODEL, learned, tmp_path / "sheet.png", monkeypatch=monkeypatch)
    assert "label issues: " in capsys.readouterr().out
    assert Image.open(tmp_path / "sheet.png").format == "PNG"


def test_tag(photos, capsys, monkeypatch):
    run("tag", MODEL, photos, "--photos", "8", "--pairs", "1", monkeypatch=monkeypatch)
    found = json.loads(capsys.readouterr().out)
    assert found["photos"] == 8 and found["ratio"] > 0 and found["peak_memory_mib"] > 0


def test_thumbnails(capsys, monkeypatch):
    run("thumbnails", "--size", "80", monkeypatch=monkeypatch)
    rows = {line[:28].strip(): line[28:].split() for line in capsys.readouterr().out.splitlines()}
    webp, jpeg = rows["WebP, quality 85, method 0"], rows["JPEG, quality 88"]
    assert float(webp[0]) < float(jpeg[0]) and abs(float(webp[2]) - float(jpeg[2])) < 2


def test_train(home, tmp_path, one_thread, capsys, monkeypatch):
    small = ("--architecture", "test_convnext", "--size", "32", "--batch", "4", "--rounds", "1", "--steps", "1")
    run("train", colours(tmp_path / "photos", 6), *small, monkeypatch=monkeypatch)
    told = capsys.readouterr().out
    rows = [line.split(" | ") for line in told.splitlines() if line.startswith("| ")][2:]
    assert [row[0] for row in rows] == ["| ours", "| synthetic", "| usual", "| torchvision"]
    assert all(float(row[1]) > 0 for row in rows) and "MiB at the end" in told and "all at once" in told


def test_profiles(home, tmp_path, one_thread, capsys, monkeypatch):
    monkeypatch.setattr("bench.profiles.PHOTOS", 2)
    monkeypatch.setattr("bench.profiles.SIZE", 32)
    monkeypatch.setattr("bench.profiles.STEPS", 1)
    (home / "weights").symlink_to(ROOT / "weights", target_is_directory=True)
    run("profiles", colours(tmp_path / "photos", 6), tmp_path / "profiles.png", monkeypatch=monkeypatch)
    rows = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("| ")][2:]
    assert [row[1] != "none" for row in rows] == [True, True, False], "a rerun has no floor"
    assert "infer" in rows[0][4] and "run_backward" in rows[1][4] and "sleep" not in rows[2][4]
    assert Image.open(tmp_path / "profiles.png").width > 500


@pytest.mark.browser
def test_visit():
    """The way to the photos is two presses; a page is opened, watched and looked at by axe; the menu opens them all."""
    command = [sys.executable, "-m", "bench.visit", "--pages", "train", "--rounds", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if "executable" in done.stderr and not os.environ.get("CI"):
        pytest.skip("No Chromium")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["presses"] == 2 and found["seconds"] > 0
    assert list(found["opening"]) == ["train"] and found["opening"]["train"]["times hello world"] > 0
    assert set(found["layout_shift"]) == {"train, laptop", "train, phone"} and max(found["layout_shift"].values()) < 0.1
    assert found["axe_serious"] == {"light": 0, "dark": 0}
    assert len(found["menu"]) == 6 and min(found["menu"].values()) > 0


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
    inputs = {"PAPER": str(photos), "COLOURS": str(photos), "HOME_PHOTOS": str(photos)}
    done = subprocess.run(["bash", script, work], env=os.environ | inputs | {"PYTHON": str(stand_in)},
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert log.read_text().split() == ["train"] * 5 + ["compare"] * 6 + ["train", "evaluate"] + ["train"] * 3
    assert sorted(folder.name for folder in (work / "home").iterdir()) == [
        "dress", "hat", "outwear", "pants", "shirt", "shoes", "shorts", "skirt",
    ]  # fmt: skip
