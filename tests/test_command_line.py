"""What others script against: outputs, exit statuses, one sentence for a mistake."""

import hashlib
import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
import torch
from datasets import COLOURS, colours
from evaluations import clusters, planted
from evaluations import publish as publish_by_hand
from PIL import Image
from torchvision import models as zoo

from fashion_core import runs
from fashion_core.cli import main
from fashion_core.engine import weights
from fashion_core.engine.training import Trainer
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.evaluation.explanations import FILE, Explanations
from fashion_core.evaluation.states import UNLIKE
from fashion_core.photos import sample
from fashion_core.runs.events import Tail

FAST = [
    "architecture=resnet18",
    "image_size=32",
    "batch_size=8",
    "learning_rate=0.02",
    "precision=float32",
    "ema_decay=0",
]
SMALL = ["--preset", "quick", "--set", *FAST]


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
            "seed=1",
            "flip_at_test=true",
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


def test_every_note_of_a_run_is_shown_in_the_terminal_once(trained):
    _, _, done = trained
    notes = Tail(runs.get(done.stdout.splitlines()[-1]).events_file).read().notes
    assert any(note.startswith("Validation at 32 px") for note in notes), "one that comes after training"
    assert [done.stderr.count(note) for note in notes] == [1] * len(notes)


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


def test_predict_reads_all_photos_of_a_folder_and_lists_the_bad(trained, capsys, tmp_path):
    _, folder, done = trained
    (tmp_path / "deep" / "er").mkdir(parents=True)
    shutil.copy(folder / "red_hat" / "red_hat_00.png", tmp_path / "deep" / "er" / "a.png")
    shutil.copy(folder / "red_hat" / "red_hat_01.png", tmp_path / "z.png")
    (tmp_path / "bad.jpg").write_bytes(b"no photo")
    (tmp_path / ".hidden.jpg").write_bytes(b"no photo")
    (tmp_path / "Thumbs.db").write_bytes(b"no photo")
    model = done.stdout.splitlines()[-1]
    assert main(["predict", model, f"file://{tmp_path}", "--json"]) == 1
    told = capsys.readouterr()
    rows = [json.loads(line) for line in told.out.splitlines()]
    assert [row["path"] for row in rows] == [str(tmp_path / name) for name in ("bad.jpg", "z.png", "deep/er/a.png")]
    assert [bool(row["error"]) for row in rows] == [True, False, False]
    assert "is a folder: its 3 files are read" in told.err
    assert all(set(row) == {"path", "top", "state", "error", "warning"} for row in rows)
    (tmp_path / "empty").mkdir()
    assert main(["predict", model, str(tmp_path / "empty")]) == 2
    assert "There is no photo in" in capsys.readouterr().err


def test_predict_says_what_is_unlike_its_training_photos(trained, capsys, tmp_path):
    model = trained[2].stdout.splitlines()[-1]
    file = runs.get(model).folder / "model" / FILE
    explained = Explanations.load(file)
    replace(explained, ood_threshold=-1.0).save(file)  # all is unlike
    try:
        assert main(["predict", model, str(trained[1] / "red_hat" / "red_hat_00.png"), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["warning"] == UNLIKE
        assert main(["predict", model, str(trained[1] / "red_hat" / "red_hat_00.png")]) == 0
        assert UNLIKE in capsys.readouterr().out
    finally:
        explained.save(file)


@pytest.mark.parametrize("top", ["0", "-1"])
def test_predict_names_one_class_or_more(home, capsys, top):
    assert main(["predict", "any", "x.jpg", "--top", top]) == 2
    captured = capsys.readouterr()
    assert f"give 1 or more, not {top}." in captured.err and captured.err.count("\n") == 1 and captured.out == ""


def test_publish_makes_a_model_that_has_a_name(trained, capsys):
    home, folder, done = trained
    run = done.stdout.splitlines()[-1]
    assert main(["publish", run, "colours"]) == 0
    assert json.loads((home / "weights" / "colours" / "card.json").read_text())["name"] == "colours"
    assert main(["predict", "colours", str(folder / "red_hat" / "red_hat_01.png")]) == 0
    assert "red_hat" in capsys.readouterr().out
    assert main(["publish", run, "colours"]) == 2  # what is published is not overwritten


def test_a_published_model_has_a_card_and_its_test_can_be_repeated(trained, capsys, tmp_path):
    home, folder, done = trained
    run = runs.get(done.stdout.splitlines()[-1])
    test = Evaluation.load(run.evaluation_file)
    (tmp_path / "about.md").write_text("Drawn colours, no licence needed.")
    review = pd.DataFrame({"photo": test.photos["path"], "verdict": "clear"})
    review.to_csv(tmp_path / "review.csv", index=False)
    extras = ["--about", str(tmp_path / "about.md"), "--review", str(tmp_path / "review.csv"), "--seeds", run.id]
    assert main(["publish", run.id, "with-card", *extras]) == 0
    place = home / "weights" / "with-card"
    card, text = json.loads((place / "card.json").read_text()), (place / "README.md").read_text()
    assert "Drawn colours" in text and "Over 1 seeds" not in text
    assert card["metrics"]["review"]["clear"]["accuracy"] == card["metrics"]["test_accuracy"]
    assert str(home) not in text and str(home) not in (place / "card.json").read_text()
    assert str(home).encode() not in (place / "model.safetensors").read_bytes()[:100_000]
    assert Evaluation.load(place / "evaluation.parquet").root == "photos"

    capsys.readouterr()
    again = [
        "evaluate",
        "with-card",
        str(folder),
        "--split",
        "test",
        "--json",
        "--review",
        str(tmp_path / "review.csv"),
    ]
    assert main(again) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["n"] == card["metrics"]["test_n"] == 6
    for key in ("accuracy", "macro_f1"):
        assert round(found[key], 4) == round(card["metrics"]["test_" * (key == "accuracy") + key], 4)
    assert found["review"]["clear"]["n"] == 6

    assert main(["evaluate", "with-card", str(colours(tmp_path / "others", per_class=4)), "--split", "test"]) == 2
    assert "nor is it what with-card was trained on" in capsys.readouterr().err


def test_a_finished_run_is_not_resumed(trained, capsys):
    assert main(["train", "--resume", trained[2].stdout.splitlines()[-1]]) == 2
    assert "finished" in capsys.readouterr().err


# ---- ways on for a run that has begun


@pytest.fixture
def begun(home, monkeypatch, one_thread):
    """A folder of photos and a run on it that failed in its second epoch: its loss is no number at high rates."""
    real = Trainer._backward

    def backward(self, rows):
        broken = self.progress.step >= 8 and self.config.learning_rate > 0.01
        return (float("nan"), 0) if broken else real(self, rows)

    monkeypatch.setattr(Trainer, "_backward", backward)
    folder = colours(home / "photos")
    assert main(["train", str(folder), *SMALL, "epochs=2"]) == 2
    return folder, runs.find()[0]


def test_a_run_that_diverged_tells_two_ways_on_and_both_work(begun, capsys):
    _, run = begun
    told = run.events()[-1]["text"]
    commands = re.findall(r"python -m fashion_core (train --resume .*?)(?:; |\.$)", told)
    lower, finish = (command.split() for command in commands)
    assert lower[-2:] == ["--set", "learning_rate=0.002"] and finish[-1] == "--finish"
    copy = shutil.copytree(run.folder, run.folder.with_name("copy"))
    assert main(["train", "--resume", run.id]) == 2, "nothing was changed: it would fail again"
    assert told in capsys.readouterr().err
    assert main(lower) == 0
    assert "Goes on from step 6 of 12" in capsys.readouterr().err
    assert run.state == "finished" and run.config.learning_rate == 0.002

    finish[finish.index(run.id)] = "copy"
    assert main(finish) == 0
    kept = runs.get(str(copy))
    assert kept.state == "finished" and Evaluation.load(kept.evaluation_file).meta.epoch == 1
    assert main(["predict", "copy", str(begun[0] / "red_hat" / "red_hat_00.png")]) == 0
    assert main(finish) == 2  # it is finished


def test_what_cannot_be_changed_in_a_run_is_a_sentence_and_changes_nothing(begun, capsys):
    _, run = begun
    before = (run.folder / "config.json").read_bytes()
    capsys.readouterr()
    for arguments, part in (
        (["--set", "architecture=vgg11"], "cannot change"),
        (["--set", "learning_rate=much"], "takes a number"),
        (["--finish", "--set", "learning_rate=0.001"], "learning_rate cannot change"),
    ):
        assert main(["train", "--resume", run.id, *arguments]) == 2
        error = capsys.readouterr().err
        assert part in error and error.count("\n") == 1
    assert main(["train", "--finish"]) == 2 and "--resume RUN" in capsys.readouterr().err
    assert (run.folder / "config.json").read_bytes() == before


def test_a_run_goes_on_with_its_photos_where_they_are_now_and_with_no_others(begun, capsys):
    folder, run = begun
    moved, others = folder.rename(folder.with_name("moved here")), colours(folder.with_name("others"), per_class=5)
    capsys.readouterr()
    assert main(["train", "--resume", run.id, str(others)]) == 2
    assert "are not those that run" in capsys.readouterr().err
    assert main(["train", "--resume", run.id, "--finish"]) == 2
    assert "say where they are now" in capsys.readouterr().err
    assert main(["train", "--resume", run.id, f'"{moved}"', "--set", "learning_rate=0.002"]) == 0
    assert run.state == "finished" and run.dataset == moved


def test_a_path_may_be_relative_to_where_the_run_was_started(home, tmp_path, monkeypatch, one_thread):
    folder, extra = colours(home / "photos", per_class=10), colours(tmp_path / "more", per_class=4, size=48)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(home))
    assert main(["train", "~/photos", *SMALL, "epochs=1", "extra=more"]) == 0
    (run,) = runs.find()
    assert (run.dataset, run.config.extra) == (folder, str(extra))


def test_check_prints_its_json(trained, capsys):
    assert main(["check", str(trained[1]), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {
        "classes": dict.fromkeys(COLOURS, 20),
        "unreadable": [],
        "duplicates": [],
        "cross_split_duplicates": 0,
        "conflicting_labels": [],
        "notes": [],
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
        (["compare", "nowhere"], "nowhere"),
        (["compare", ".", "--only", "magic"], "no variant 'magic'"),
        (["compare", ".", "--out", "table.xls"], ".csv"),
        (["compare", ".", "--from", "photos.zip"], "the word paper"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_status_2(home, capsys, arguments, part):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert part in captured.err and captured.err.count("\n") == 1 and captured.out == ""


# ---- terminals

CHECK = [sys.executable, "-m", "fashion_core", "check"]


def class_folder(root: Path, name: str) -> Path:
    (root / name).mkdir(parents=True)
    Image.new("RGB", (20, 20), "red").save(root / name / "photo.png")
    (root / name / "bad.png").write_bytes(b"")
    return root


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_console_of_another_encoding_shows_names_all_the_same(home, tmp_path, encoding):
    folder = class_folder(tmp_path / "photos", "着物")
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = subprocess.run([*CHECK, folder], env=environment, capture_output=True, check=True)
    assert rb"1  \u7740\u7269" in done.stdout and b"Traceback" not in done.stderr
    refused = subprocess.run([*CHECK, tmp_path / "何もない"], env=environment, capture_output=True, check=False)
    assert refused.returncode == 2 and rb"\u4f55" in refused.stderr and refused.stderr.count(b"\n") == 1


def test_a_reader_that_leaves_ends_the_command_quietly(home, tmp_path):
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [*CHECK, class_folder(tmp_path, "hat")], stdout=write, stderr=subprocess.PIPE, check=False
        )
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_closed_stderr_does_not_end_a_training(home, tmp_path):
    read, write = os.pipe()
    os.close(read)
    train = [
        sys.executable,
        "-m",
        "fashion_core",
        "train",
        colours(tmp_path / "photos", per_class=10),
        "--preset",
        "quick",
    ]
    try:
        done = subprocess.run([*train, "--set", *FAST, "epochs=1"], stderr=write, stdout=subprocess.PIPE, check=False)
    finally:
        os.close(write)
    assert done.returncode == 0 and runs.get(done.stdout.decode().splitlines()[-1]).state == "finished"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (PermissionError(13, "Permission denied", "/data/a.jpg"), "busana: /data/a.jpg may not be read or written: "),
        (FileNotFoundError(2, "No such file or directory", b"caf\xe9"), "busana: caf� is not there: check the path.\n"),
        (OSError(28, "No space left on device"), "busana: What is written does not fit on the disk: free some room"),
    ],
)
def test_what_is_wrong_with_a_file_is_a_sentence_that_names_it(monkeypatch, capsys, error, sentence):
    def fail(options):
        raise error

    monkeypatch.setattr("fashion_core.cli.photos.check", fail)
    assert main(["check", "."]) == 2
    assert capsys.readouterr().err.startswith(sentence)


@pytest.mark.parametrize(
    "error", [OSError("in a library"), ConnectionResetError(104, "reset"), BrokenPipeError(32, "pipe")]
)
def test_a_mistake_of_busana_itself_does_not_hide_as_a_sentence(monkeypatch, error):
    def fail(options):
        raise error

    monkeypatch.setattr("fashion_core.cli.photos.check", fail)
    with pytest.raises(OSError):
        main(["check", "."])


def test_ctrl_c_is_a_word_and_status_130(monkeypatch, capsys):
    def fail(options):
        raise KeyboardInterrupt

    monkeypatch.setattr("fashion_core.cli.photos.check", fail)
    assert main(["check", "."]) == 130
    assert capsys.readouterr().err == "busana: interrupted.\n"


def test_sample_renders_what_was_asked_for(tmp_path, capsys):
    assert main(["sample", str(tmp_path / "set"), "--per-class", "1", "--seed", "3"]) == 0
    assert len(list((tmp_path / "set").rglob("*.jpg"))) == 10


# ---- compare


def rows(text: str) -> dict[str, dict[str, str]]:
    """The printed tables: the variant's name → heading → cell."""
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    return {cells[0]: dict(zip(lines[0], cells, strict=True)) for cells in lines if cells[0] not in ("variant", "---")}


def test_compare_lists_commands_and_trains_nothing(home, capsys):
    command = [
        "compare",
        "photos",
        *SMALL,
        "--seeds",
        "0",
        "1",
        "--what",
        "recipes",
        "--only",
        "without-crops",
        "--list",
    ]
    assert main(command) == 0
    title, first, second = capsys.readouterr().out.splitlines()
    assert title == "# recipes: without-crops"
    assert first == (
        "python -m fashion_core train photos --preset quick --set image_size=32 batch_size=8 learning_rate=0.02 "
        "ema_decay=0.0 crop_scale=1.0 decisions=none precision=float32"
    )
    assert second == first.replace(" decisions", " seed=1 decisions")
    assert runs.find() == []


def test_compare_trains_what_is_missing_and_tells_what_cannot_be(home, capsys):
    folder = colours(home / "photos", per_class=10)
    command = ["compare", str(folder), *SMALL, "epochs=1", "--only", "quick", "resnet50_two_head", "without-flips"]
    assert main([*command, "--out", str(home / "table.csv")]) == 1  # these names have no colours in common
    captured = capsys.readouterr()
    assert "<colour>_<garment>" in captured.err
    table = rows(captured.out)
    assert list(table) == ["quick", "without-flips", "resnet50_two_head"]
    assert set(table["resnet50_two_head"].values()) == {"resnet50_two_head", "0", "–"}
    for name in ("quick", "without-flips"):
        assert [heading for heading, cell in table[name].items() if cell == "–"] == ["over the seeds"]
    trained = {run.id: run.state for run in runs.find()}
    assert sorted(trained.values()) == ["failed", "finished", "finished"]

    assert main([*command[:-4], "--only", "quick", "without-flips"]) == 0  # it is all there: nothing is trained again
    again = capsys.readouterr()
    assert {run.id: run.state for run in runs.find()} == trained and "epoch" not in again.err
    for name, row in rows(again.out).items():
        assert row | {"prediction ms": ""} == table[name] | {"prediction ms": ""}  # that alone is measured anew
    assert (home / "table.csv").read_text().splitlines()[1].startswith("recipes,quick,1,0,3,")


def test_compare_stops_at_ctrl_c_and_goes_on_when_it_is_repeated(home, capsys):
    folder = colours(home / "photos")
    command = ["compare", str(folder), *SMALL, "epochs=15", "--only", "quick"]
    process = subprocess.Popen([sys.executable, "-m", "fashion_core", *command], stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 120
    while time.monotonic() < end and not any(event["type"] == "step" for run in runs.find() for event in run.events()):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60)[1].endswith("busana: interrupted.\n") and process.returncode == 130
    (run,) = runs.find()
    assert run.state == "stopped"
    assert main(command) == 0
    assert [found.id for found in runs.find()] == [run.id] and run.state == "finished"
    starts = [event["step"] for event in run.events() if event["type"] == "start"]
    assert len(starts) == 2 and starts[1] > 0
    assert rows(capsys.readouterr().out)["quick"]["runs"] == "1"


@pytest.fixture
def papers_world(home, tmp_path, monkeypatch):
    """A zip like the paper's photos, and a mirror of ImageNet weights of the right shapes and hashes.

    VGG16 is left out: its weights would be 550 MB of random numbers, written, served, hashed and cached for one row.
    """
    sample.render(tmp_path / "photos", per_class=3)
    archive = shutil.make_archive(str(tmp_path / "new-data-fashion"), "zip", tmp_path / "photos")
    mirror, names = tmp_path / "mirror", {}
    mirror.mkdir()
    for name, network in (("resnet50", zoo.resnet50()), ("googlenet", zoo.googlenet(init_weights=False))):
        torch.save(network.state_dict(), mirror / "plain.pth")
        digest = hashlib.sha256((mirror / "plain.pth").read_bytes()).hexdigest()
        names[name] = f"{name}-{digest[:8]}.pth"
        (mirror / "plain.pth").rename(mirror / names[name])
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=mirror)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("BUSANA_WEIGHTS_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(weights, "official", names.get)  # the official names carry the official hashes
    yield archive
    server.shutdown()
    server.server_close()


def test_the_papers_experiment_runs_from_its_zip_to_the_tables(papers_world, home, capsys):
    command = ["compare", "paper", "--from", papers_world, "--only", "paper", "best", "resnet50", "googlenet"]
    budget = ["--set", "epochs=1", "image_size=32", "batch_size=8", "precision=float32", "--out", str(home / "t.md")]
    assert main([*command, *budget]) == 0
    out = capsys.readouterr().out
    table = rows(out)
    assert list(table) == ["best", "paper", "resnet50", "googlenet"]
    assert table["best"] == table["resnet50"] | {"variant": "best"}  # the same run stands in both tables
    assert len(runs.find()) == 3
    assert all(run.config.pretrained == "imagenet" for run in runs.find())
    for row in table.values():
        assert [heading for heading, cell in row.items() if cell == "–"] == ["over the seeds"]
        assert row["test photos"] == "10"
    assert (table["paper"]["parameters"], table["googlenet"]["parameters"]) == ("23.5 M", "5.61 M")
    assert "Random weights" not in out and len(list((home / "data" / "paper").glob("*/*.jpg"))) == 30
    assert (home / "t.md").read_text() == out
    assert main(["compare", "paper", "--list"]) == 0  # the paper's own rows, each as a command
    listed = capsys.readouterr().out.splitlines()
    assert [line for line in listed if line.startswith("#")] == [
        "# recipes: best", "# recipes: paper", "# architectures: resnet50", "# architectures: vgg16",
        "# architectures: googlenet",
    ]  # fmt: skip


def test_label_issues_are_listed_worst_first(home, capsys):
    publish_by_hand(home, planted()[0], "swapped", draw=False)
    assert main(["suspects", "swapped", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert set(rows[0]) == {"path", "label", "predicted", "score"}
    assert [row["score"] for row in rows] == sorted(row["score"] for row in rows)
    assert main(["suspects", "swapped"]) == 0
    told = capsys.readouterr()
    assert f"{rows[0]['path']}  {rows[0]['label']}, perhaps {rows[0]['predicted']}" in told.out
    assert f"{len(rows)} labels look wrong" in told.err
    assert main(["suspects", "nobody"]) == 2
    assert main(["suspects", "swapped", "--all"]) == 2, "it came without its evidence"
    clusters().save(home / "weights" / "swapped" / FILE)
    capsys.readouterr()
    assert main(["suspects", "swapped", "--all", "--json"]) == 0
    assert [row["path"] for row in json.loads(capsys.readouterr().out)] == ["0.jpg"]
