"""What is published is whole, has a name of its own, and leads nowhere else."""

from dataclasses import replace
from pathlib import Path

import pytest
from evaluations import eight
from model_folders import write_model

from fashion_core import UserError, runs
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.evaluation.explanations import FILE
from fashion_core.models import publish
from fashion_core.models.card import ModelCard
from fashion_core.models.registry import models
from fashion_core.runs import config


def trained(home: Path, evaluation: Evaluation, seed: int = 0) -> runs.Run:
    """A run with a model folder as a worker would have left it."""
    run = runs.create(replace(config.preset("quick"), seed=seed), home / "photos")
    folder = write_model(run.folder / "model", classes=list(evaluation.classes), metrics={"test_n": 8})
    (folder / "model.bin").rename(folder / "model.safetensors")
    evaluation.save(run.folder / "evaluation.parquet")
    evaluation.save(folder / "evaluation.parquet")
    (folder / FILE).write_bytes(b"as it was")
    return run


def steps(**given) -> publish.Steps:
    def never(*_: object) -> None:
        raise AssertionError("nothing is missing")

    usual = {"add_ir": never, "add_explanations": never, "readme": lambda card, test, about: about, "warn": never}
    return publish.Steps(**usual | given)


def test_a_published_model_says_its_name_its_run_and_no_folder_of_this_machine(home):
    run = trained(home, eight(home / "photos"))
    folder = publish.publish(run, "coats", steps(), publish.Extras(about="My photos."))
    assert folder == home / "weights" / "coats" and (folder / "README.md").read_text() == "My photos."
    card, test = ModelCard.read(folder), Evaluation.load(folder / "evaluation.parquet")
    assert (card.name, card.run, test.meta.model, test.root) == ("coats", run.id, "coats", "photos")
    with pytest.raises(UserError, match="exists already"):
        publish.publish(run, "coats", steps(), publish.Extras())


@pytest.mark.parametrize("name", ["../up", "a/b", ".hidden", "", "..", "a\\b", "x" * 101, "tab\tin"])
def test_a_name_that_leads_elsewhere_is_refused(home, name):
    with pytest.raises(UserError, match="cannot be a folder's name"):
        publish.publish(trained(home, eight()), name, steps(), publish.Extras())
    assert not (home / "weights").exists()


def test_the_answers_to_photos_people_took_are_added_last(home):
    seen = []
    add = steps(add_people=lambda folder: seen.append({file.name for file in folder.iterdir()}))
    publish.publish(trained(home, eight()), "coats", add, publish.Extras())
    assert len(seen) == 1 and {"README.md", "card.json", "evaluation.parquet"} <= seen[0]


def test_what_fails_half_way_leaves_nothing_and_is_no_model_meanwhile(home):
    def fails(*_: object) -> str:
        assert [ref.published for ref in models()] == [False]
        raise UserError("no room")

    with pytest.raises(UserError, match="no room"):
        publish.publish(trained(home, eight()), "coats", steps(readme=fails), publish.Extras())
    assert list((home / "weights").iterdir()) == []


def test_what_a_model_lacks_is_added_and_what_cannot_be_is_told(home):
    run, added, told = trained(home, eight()), [], []
    (run.folder / "model" / "model.xml").unlink()
    (run.folder / "model" / FILE).unlink()
    publish.publish(run, "coats", steps(add_ir=added.append, warn=told.append), publish.Extras())
    assert len(added) == 1 and "published without similar photos and heat maps" in told[0]


def test_a_model_of_an_earlier_version_is_published_with_its_numbers_once(home):
    run, added = trained(home, eight()), []
    (run.folder / "model" / "model.bin").write_bytes(b"the same again")
    publish.publish(run, "coats", steps(add_ir=added.append), publish.Extras())
    assert len(added) == 1


def test_what_a_worker_is_still_writing_is_not_published(home):
    run = trained(home, eight())
    (run.folder / "model" / ".half.partial").write_bytes(b"not whole")
    folder = publish.publish(run, "coats", steps(), publish.Extras())
    assert not [file.name for file in folder.iterdir() if file.name.startswith(".")]


def test_seeds_are_rows_of_one_test(home):
    first, second = trained(home, eight(), 0), trained(home, eight("/elsewhere"), 1)
    rows = publish.seed_results(first, (second, first))
    assert [(row.run, row.seed, row.test_accuracy) for row in rows] == [(first.id, 0, 0.625), (second.id, 1, 0.625)]
    fewer = Evaluation(eight().classes, eight().photos[:4], eight().probabilities[:4])
    with pytest.raises(UserError, match="other photos"):
        publish.seed_results(first, (trained(home, fewer, 2),))
    with pytest.raises(UserError, match="was not tested"):
        publish.seed_results(first, (runs.create(config.preset("quick"), home / "photos"),))


def test_a_file_too_large_to_share_is_named(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"x" * 100)
    assert "model.safetensors" in publish.size_problem(tmp_path, limit=99)
    assert publish.size_problem(tmp_path, limit=100) is None
