"""A tested model is used at once; its heat maps and similar photos follow, and may be left and taken up again."""

import json
from pathlib import Path

import numpy as np
import pytest
from datasets import COLOURS, colours
from evaluate_page import opened
from streamlit.testing.v1 import AppTest

from fashion_core import runs
from fashion_core.cli import main
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.evaluation.explanations import FILE, Explanations
from fashion_core.models.predictor import Predictor, load_explanations, why_unexplained
from fashion_core.models.registry import models, resolve
from fashion_core.photos import imaging
from fashion_core.runs.config import TrainConfig
from fashion_core.runs.events import Event
from fashion_core.runs.stages import GATHERING
from fashion_core.ui.stage_line import percent

PAGE = str(Path(__file__).resolve().parents[1] / "pages" / "train.py")
TINY = TrainConfig(
    preset="test", architecture="mobilenet_v3_small", pretrained="none", image_size=32, epochs=1, batch_size=8,
    precision="float32", device="cpu",
)  # fmt: skip

pytestmark = pytest.mark.usefixtures("one_thread")


def is_gathering(type: str, fields: Event) -> bool:
    return type == "progress" and fields["what"] == GATHERING


def left(run: runs.Run, at: int = 0) -> list[str]:
    """Train `run`, stop it once `at` photos are explained, and return what was seen of it at that moment."""
    from fashion_core.engine import stopping, worker

    seen: list[str] = []
    with pytest.MonkeyPatch.context() as patch, runs.claim(run) as log:
        patch.setattr(stopping, "PROGRESS_SECONDS", 0.0)

        def look(type: str, **fields) -> None:
            log(type, **fields)
            if is_gathering(type, fields) and fields["done"] >= at and not seen:
                seen.extend(used_meanwhile(run))
                run.stop()

        assert worker.work(run, look, show=lambda text: None) == "stopped"
    return seen


def used_meanwhile(run: runs.Run) -> list[str]:
    """What can be done with the model while its worker goes on: predict, evaluate, and see how far that is."""
    folder, test = resolve(run.id), Evaluation.load(run.evaluation_file)
    assert [ref.name for ref in models()] == [run.id] and load_explanations(folder) is None
    photos = [imaging.read(run.dataset / path) for path in test.photos["path"]]
    assert np.abs(Predictor(folder)(photos) - test.probabilities).max() < 1e-4
    assert Evaluation.load(models()[0].evaluation_file).accuracy == test.accuracy
    page = AppTest.from_file(PAGE, default_timeout=60).run()
    assert not page.exception and [each.label for each in page.button if each.label in ("Stop", "Resume")] == ["Stop"]
    return [run.state, why_unexplained(folder), *(bar.proto.text for bar in page.get("progress"))]


@pytest.fixture
def run(home, tmp_path) -> runs.Run:
    return runs.create(TINY, colours(tmp_path / "photos", per_class=10))


def resume(run: runs.Run) -> list[str]:
    """The types of the events of a resumed worker."""
    from fashion_core.engine.worker import work

    before = len(run.events())
    with runs.claim(run) as log:
        assert work(run, log, show=lambda text: None) == "finished"
    return [event["type"] for event in run.events()[before:]]


def test_a_model_is_used_while_what_lies_behind_it_is_gathered_and_a_stop_there_loses_no_test(run):
    state, why, bar = left(run, at=16)
    assert state == "running" and "still being gathered" in why
    accuracy = Evaluation.load(run.evaluation_file).accuracy
    assert bar == f"Tested: {percent(accuracy)} right. Gathering heat maps and similar photos: 16 of 30 photos"
    card = (run.model_folder / "card.json").read_bytes()
    assert run.state == "tested" and not (run.model_folder / FILE).exists()
    page = AppTest.from_file(PAGE, default_timeout=60).run()
    assert not page.exception and "were not gathered to the end: **Resume**" in page.info[0].value
    labels = [button.label for button in page.button]
    assert "Resume" in labels and "Keep the best epoch" not in labels
    assert f"train --resume {run.id}" in why_unexplained(run.model_folder)
    for view in ("Oddities", "Map", "Colours"):
        page = opened(model=run.id, view=view)
        assert not page.exception and f"train --resume {run.id}" in page.info[0].value.replace("\\", "")

    types = resume(run)
    assert set(types) == {"progress", "end"}, "it is neither trained nor tested again"
    assert run.state == "finished" and (run.model_folder / "card.json").read_bytes() == card
    explained = [Explanations.load(folder / FILE) for folder in (run.folder, run.model_folder)]
    assert [len(each.photos) for each in explained] == [30, 30]


def test_what_was_killed_while_gathering_is_tested_and_what_is_explained_is_not_gathered_again(run):
    left(run)
    lines = run.events_file.read_text().splitlines(keepends=True)
    run.events_file.write_text("".join(line for line in lines if json.loads(line)["type"] != "end"))
    assert run.state == "tested"
    resume(run)
    run.events_file.write_text("".join(run.events_file.read_text().splitlines(keepends=True)[:-1]))  # killed at the end
    assert run.state == "tested" and resume(run) == ["end"] and run.state == "finished"


def test_a_tested_run_takes_no_other_settings_and_no_other_photos(run, capsys):
    left(run)
    assert main(["train", "--resume", run.id, "--set", "learning_rate=0.1"]) == 2
    assert f"Run {run.id} is tested: start a new run" in capsys.readouterr().err
    (run.dataset / "red_hat" / "red_hat_00.png").unlink()
    assert main(["train", "--resume", run.id]) == 2
    assert "have changed since" in capsys.readouterr().err
    assert run.state == "tested" and Predictor(run.model_folder).classes == tuple(COLOURS)
    page = AppTest.from_file(PAGE, default_timeout=60).run()
    assert "have changed since" in page.error[0].value and "The model can be used" in page.info[0].value


def test_label_issues_of_all_photos_say_how_to_get_what_they_need(run, capsys):
    left(run)
    assert main(["label-issues", run.id, "--all"]) == 2
    assert f"python -m fashion_core train --resume {run.id}" in capsys.readouterr().err


def test_finish_of_a_tested_run_gathers_and_trains_nothing(run):
    left(run)
    before = [(run.folder / name).read_bytes() for name in ("last.safetensors", "model/model.safetensors")]
    assert main(["train", "--resume", run.id, "--finish"]) == 0
    assert run.state == "finished" and (run.model_folder / FILE).exists()
    assert [(run.folder / name).read_bytes() for name in ("last.safetensors", "model/model.safetensors")] == before
