"""A model's card is read whole, of every version, and what is wrong with one is a sentence."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from browser import ROOT

from fashion_core import UserError
from fashion_core.evaluation.evaluation import ReviewedFigures
from fashion_core.evaluation.states import Counted, States
from fashion_core.models.card import Cost, DatasetFacts, Metrics, ModelCard, SeedResult, Share, migrate

FULL = ModelCard(
    name="all", classes=("coat", "hat"), image_size=32, temperature=1.5, architecture="resnet18",
    initial_weights="Random weights.", created="2026-01-02T03:04:05+00:00", epoch=3,
    metrics=Metrics(0.75, (0.3, 0.95), 4, 0.7, Share(2, 3), 0.8, {"clear": ReviewedFigures(3, 1.0, 1.0)}),
    settings={"epochs": 4, "extra": "", "flip": False}, dataset=DatasetFacts("photos", "abc", 8, {"seed": 3}, 1),
    hardware="cpu", training_seconds=1.5, cost=Cost(10, 20, 30.5), versions={"busana": "0.1.0"}, notes=("a", "b"),
    run="r1", seeds=(SeedResult("r1", 0, 0.75, 0.7),), others={"licence": "CC0"},
    states=States(0.9, 1.2, {"sure": Counted(200, 199, 1)}, {"check": Counted(3, 2)}),
)  # fmt: skip
LEAST = {"classes": ["coat", "hat"], "image_size": 32, "temperature": 1}


def read(folder: Path, card: object) -> ModelCard:
    folder.mkdir(exist_ok=True)
    (folder / "card.json").write_text(card if isinstance(card, str) else json.dumps(card))
    return ModelCard.read(folder)


def test_what_is_written_comes_back_whole_with_keys_that_are_not_ours(tmp_path):
    FULL.write(tmp_path)
    assert ModelCard.read(tmp_path) == FULL


def test_a_card_says_the_least_and_the_rest_is_not_known(tmp_path):
    card = read(tmp_path / "mine", LEAST)
    assert card == ModelCard("mine", ("coat", "hat"), 32, 1)
    assert read(tmp_path / "mine", LEAST | {"metrics": None, "dataset": None, "notes": None, "config": None}) == card
    assert json.loads(card.write(tmp_path).read_text()) == {"v": 2, "name": "mine"} | LEAST


def test_a_run_without_a_name_in_its_card_is_called_by_its_folder(tmp_path):
    (tmp_path / "20260101-000000").mkdir()
    assert read(tmp_path / "20260101-000000" / "model", LEAST).name == "20260101-000000"


def test_version_1_called_the_first_weights_weights_and_wrote_null():
    old = {"v": 1, "weights": "Random weights.", "cost": None}
    assert migrate(old) == {"initial_weights": "Random weights."}
    assert migrate(migrate(old)) == migrate(old)


@pytest.mark.parametrize("folder", sorted((ROOT / "weights").glob("*/")), ids=lambda folder: folder.name)
def test_the_shipped_cards_are_read_with_all_that_they_say(folder, tmp_path):
    raw, card = json.loads((folder / "card.json").read_text()), ModelCard.read(folder)
    assert card.metrics.test_accuracy == raw["metrics"]["test_accuracy"] and card.settings == raw["config"]
    assert card.initial_weights and card.dataset.fingerprint == raw["dataset"]["fingerprint"] and not card.others
    assert card.recipe.seed == raw["config"]["seed"]
    card.write(tmp_path)
    assert ModelCard.read(tmp_path) == card


@pytest.mark.parametrize(
    ("card", "problem"),
    [
        ("{", "cannot be read"),
        ([], "names no classes"),
        (LEAST | {"classes": ["coat"]}, "names no classes"),
        (LEAST | {"classes": [1, 2]}, "has no readable classes"),
        (LEAST | {"image_size": 1.5}, "has no readable image_size"),
        (LEAST | {"image_size": 0}, "has no image_size"),
        (LEAST | {"temperature": "hot"}, "has no temperature"),
        (LEAST | {"temperature": 0}, "has no temperature"),
        (LEAST | {"metrics": [0.5]}, "has no readable metrics"),
        (LEAST | {"metrics": {"test_accuracy": "high"}}, "has no readable test_accuracy"),
        (LEAST | {"metrics": {"test_n": True}}, "has no readable test_n"),
        (LEAST | {"metrics": {"test_accuracy_interval": 0.5}}, "has no readable test_accuracy_interval"),
        (LEAST | {"metrics": {"review": {"clear": {"n": 3}}}}, "has no readable review"),
        (LEAST | {"dataset": {"name": 3}}, "has no readable name"),
        (LEAST | {"notes": 3}, "has no readable notes"),
        (LEAST | {"notes": [3]}, "has no readable notes"),
        (LEAST | {"seeds": [{"run": "a"}]}, "has no readable seeds"),
        (LEAST | {"name": 3}, "has no readable name"),
        (LEAST | {"versions": []}, "has no readable versions"),
        (LEAST | {"states": {"sure": "often"}}, "has no readable sure"),
        (LEAST | {"states": {"people": {"sure": {"n": 3}}}}, "has no readable people"),
    ],
)
def test_a_card_that_is_wrong_is_one_sentence(tmp_path, card, problem):
    with pytest.raises(UserError, match=problem) as told:
        read(tmp_path / "mine", card)
    assert "card.json" in str(told.value) and "again." in str(told.value)


def test_a_recipe_from_before_a_setting_has_what_held_then():
    card = replace(FULL, settings={"seed": 3})
    assert card.recipe.split_seed == 3 and card.recipe.decisions == ""


def test_a_recipe_of_another_age_has_the_default_of_what_it_does_not_say():
    card = replace(FULL, settings={"split_seed": 5, "of a later version": 1})
    assert card.recipe.split_seed == 5 and card.recipe.split_groups
    with pytest.raises(UserError, match="epochs"):
        assert replace(FULL, settings={"epochs": 0}).recipe
