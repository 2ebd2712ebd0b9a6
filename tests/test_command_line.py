"""What others script against: outputs, exit statuses, one sentence for a mistake."""

import json
import subprocess
import sys

import pytest
from worlds import COLOURS, colours

from fashion_core import runs
from fashion_core.__main__ import main

FAST = [
    "architecture=resnet18",
    "image_size=32",
    "batch_size=8",
    "learning_rate=0.02",
    "precision=float32",
    "ema_decay=0",
]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A home with photos and one finished run, trained through the terminal's door."""
    home = tmp_path_factory.mktemp("home")
    folder = colours(home / "photos")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BUSANA_HOME", str(home))
        patch.setenv("OMP_NUM_THREADS", "1")
        command = [
            sys.executable,
            "-m",
            "fashion_core",
            "train",
            str(folder),
            "--preset",
            "quick",
            "--set",
            *FAST,
            "epochs=6",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        yield home, folder, done


@pytest.fixture(autouse=True)
def at_home(request, monkeypatch):
    if "trained" in request.fixturenames:
        monkeypatch.setenv("BUSANA_HOME", str(request.getfixturevalue("trained")[0]))


def test_train_prints_the_runs_folder_as_its_last_line(trained):
    home, _, done = trained
    run = runs.get(done.stdout.splitlines()[-1])
    assert run.folder.parent == home / "runs" and run.state == "finished"


def test_evaluate_reads_the_whole_folder_and_keeps_its_json(trained, capsys):
    _, folder, done = trained
    assert main(["evaluate", done.stdout.splitlines()[-1], str(folder), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["n"] == 60 and found["classes"] == list(COLOURS) and found["unreadable"] == []
    assert [sum(row) for row in found["confusion"]] == [20, 20, 20]
    assert found["accuracy"] == sum(found["confusion"][i][i] for i in range(3)) / 60 >= 0.9


def test_predict_answers_the_good_photos_and_names_the_bad(trained, capsys, tmp_path):
    _, folder, done = trained
    (tmp_path / "bad.jpg").write_bytes(b"no photo")
    good = folder / "red_hat" / "red_hat_00.png"
    status = main(
        ["predict", done.stdout.splitlines()[-1], str(tmp_path / "bad.jpg"), str(good), "--json", "--top", "2"]
    )
    bad, fine = map(json.loads, capsys.readouterr().out.splitlines())
    assert status == 1 and bad["top"] == [] and bad["error"]
    assert fine["error"] is None and fine["top"][0]["label"] == "red_hat" and len(fine["top"]) == 2


def test_publish_makes_a_model_that_has_a_name(trained, capsys):
    home, folder, done = trained
    run = done.stdout.splitlines()[-1]
    assert main(["publish", run, "colours"]) == 0
    assert json.loads((home / "weights" / "colours" / "card.json").read_text())["name"] == "colours"
    assert main(["predict", "colours", str(folder / "red_hat" / "red_hat_01.png")]) == 0
    assert "red_hat" in capsys.readouterr().out
    assert main(["publish", run, "colours"]) == 2  # what is published is not overwritten


def test_a_finished_run_is_not_resumed(trained, capsys):
    assert main(["train", "--resume", trained[2].stdout.splitlines()[-1]]) == 2
    assert "finished" in capsys.readouterr().err


def test_check_prints_its_json(trained, capsys):
    assert main(["check", str(trained[1]), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {
        "classes": dict.fromkeys(COLOURS, 20),
        "unreadable": [],
        "duplicates": [],
        "cross_split_duplicates": 0,
    }


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["train", "nowhere"], "no folder nowhere"),
        (["train"], "which folder"),
        (["train", ".", "--preset", "magic"], "paper, best, quick"),
        (["train", ".", "--set", "epochs"], "key=value"),
        (["train", ".", "--set", "epochs=many"], "whole number"),
        (["train", "--resume", "nothing"], "no run 'nothing'"),
        (["predict", "nothing", "x.jpg"], "no model"),
        (["evaluate", "nothing", "."], "no model"),
        (["publish", "nothing", "x"], "no run"),
        (["check", "nowhere"], "nowhere"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_status_2(home, capsys, arguments, part):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert part in captured.err and captured.err.count("\n") == 1 and captured.out == ""


def test_sample_renders_what_was_asked_for(tmp_path, capsys):
    assert main(["sample", str(tmp_path / "set"), "--per-class", "1", "--seed", "3"]) == 0
    assert len(list((tmp_path / "set").rglob("*.jpg"))) == 10
