"""Experiments: a variant changes one thing, what is there is not trained again, the table's sums are right."""

import argparse
import json
import shlex

import pandas as pd
import pytest

from fashion_core import UserError, runs
from fashion_core.cli.parser import parser
from fashion_core.cli.training import _settings
from fashion_core.files import write_json
from fashion_core.reports import comparison
from fashion_core.runs import config, experiment
from fashion_core.runs.events import EventLog
from fashion_core.stats import wilson

ALL = tuple(experiment.EXPERIMENTS)
BEST = config.preset("best")
PRINT = "f" * 64  # a fingerprint of photos


def recipes(*arguments, **named) -> dict[str, config.TrainConfig]:
    return {variant.name: variant.configs[0] for variant in experiment.plan(*arguments, **named)}


# ---- what to train


def test_every_ablation_changes_one_setting_of_the_base():
    found = recipes(["recipes"])
    assert found.pop("best") == BEST and found.pop("paper") == config.preset("paper")
    changed = {name: experiment.changes(recipe.as_dict()) for name, recipe in found.items()}
    assert changed == {
        "without-schedule": {"schedule": "constant"},
        "without-crops": {"crop_scale": 1.0},
        "without-flips": {"flip": False},
        "without-label-smoothing": {"label_smoothing": 0.0},
        "without-ema": {"ema_decay": 0.0},
        "without-pretraining": {"pretrained": "none"},
        "without-mended-labels": {"decisions": ""},
        "half-size": {"image_size": 112},
    }


def test_architectures_differ_in_nothing_else():
    found = recipes(["architectures"], given={"epochs": "3"}, seeds=[4])
    assert set(found) == set(experiment.ARCHITECTURES)
    assert {recipe.changed({"architecture": "x"}) for recipe in found.values()} == {
        BEST.changed({"architecture": "x", "epochs": 3, "seed": 4})
    }


def test_what_is_set_holds_for_all_but_for_the_setting_that_a_variant_is_about():
    found = recipes(ALL, given={"epochs": "3", "image_size": "96", "schedule": "step", "architecture": "resnet18"})
    assert {recipe.epochs for recipe in found.values()} == {3}  # the paper's recipe too: one budget
    assert found["half-size"].image_size == 48 and found["paper"].image_size == 96
    assert found["without-schedule"].schedule == "constant" and found["without-ema"].schedule == "step"
    assert found["vgg16"].architecture == "vgg16" and found["without-ema"].architecture == "resnet18"


def test_a_variant_that_changes_nothing_is_left_out():
    assert "without-pretraining" not in recipes(["recipes"], "quick")
    found = recipes(["recipes"], "paper")
    assert list(found) == ["paper", "without-schedule", "without-pretraining", "without-mended-labels", "half-size"]
    assert "without-mended-labels" not in recipes(["recipes"], given={"decisions": ""})


def test_each_seed_is_a_run_and_the_split_stays():
    (variant,) = experiment.plan(["recipes"], seeds=[0, 1, 2, 1], only=["without-ema"])
    assert [(recipe.seed, recipe.split_seed) for recipe in variant.configs] == [(0, 0), (1, 0), (2, 0)]


@pytest.mark.parametrize(
    ("named", "part"),
    [({"only": ["magic"]}, "no variant 'magic'"), ({"given": {"seed": "1"}}, "--seeds"),
     ({"given": {"preset": "x"}}, "--preset"), ({"preset": "magic"}, "no preset")],
)  # fmt: skip
def test_a_mistake_is_a_sentence(named, part):
    with pytest.raises(UserError, match=part):
        experiment.plan(ALL, **named)


@pytest.mark.parametrize("preset", config.PRESETS)
def test_every_command_reads_back_as_the_same_recipe(preset, tmp_path):
    weights = str(tmp_path / "a b" / "c=d.safetensors")
    for variant in experiment.plan(ALL, preset, {"pretrained": weights, "learning_rate": "3e-05"}, [7]):
        words = shlex.split(experiment.command(variant.configs[0], tmp_path / "my photos", tmp_path / "r"))
        assert words[:3] == ["python", "-m", "fashion_core"]
        options: argparse.Namespace = parser().parse_args(words[3:])
        assert config.preset(options.preset).changed(_settings(options.set)) == variant.configs[0]
        assert (options.dir, options.runs) == (tmp_path / "my photos", tmp_path / "r")


def test_a_recipe_in_a_few_words():
    assert experiment.title(BEST.as_dict()) == "best"
    changed = BEST.changed({"architecture": "vgg16", "flip": "no", "seed": 2})
    assert experiment.title(changed.as_dict()) == "best, vgg16, flip=False, seed=2"
    assert experiment.title({"preset": "of-another-age", "colour": 1}) == "of-another-age, colour=1"


# ---- what is there already


def planted(recipe, photos, end="finished", fingerprint=PRINT, card=None) -> runs.Run:
    """A run as a worker would have left it, its numbers made up."""
    run = runs.create(recipe, photos)
    with EventLog(run.folder / "events.jsonl") as log:
        log("start", step=0, fingerprint=fingerprint)
        log("epoch", epoch=1, step=5, images_per_second=80.0)
        log("epoch", epoch=2, step=10, images_per_second=120.0)
        log("end", reason=end)
    if end == "finished":
        model = run.folder / "model"
        model.mkdir()
        usual = {"classes": ["a", "b"], "image_size": 32, "temperature": 1.0}
        write_json(model / "card.json", usual | (card or {}))
        (model / "model.safetensors").write_bytes(b"0" * 1_500_000)
    return run


def found(home, recipe=BEST, photos=None, fingerprint=PRINT):
    run = experiment.find(recipe, photos or home / "photos", fingerprint, runs.find())
    return run and run.id


def test_a_finished_run_is_known_by_every_setting_and_its_photos(home):
    run = planted(BEST, home / "photos")
    assert found(home) == run.id
    assert found(home, BEST.changed({"weight_decay": 2e-4})) is None
    assert found(home, BEST.changed({"seed": 1})) is None
    assert found(home, fingerprint="0" * 64) is None  # a photo was added, or the split is another
    assert found(home, photos=home / "moved") == run.id  # the same photos elsewhere: brought from another machine


def test_an_older_run_has_the_default_of_a_setting_that_is_newer(home):
    run = planted(BEST, home / "photos")
    record = json.loads((run.folder / "config.json").read_text())
    del record["train"]["split_seed"]
    write_json(run.folder / "config.json", record)
    assert found(home) == run.id


@pytest.mark.parametrize("end", ["stopped", "crashed", "failed"])
def test_an_unfinished_run_is_gone_on_with_where_its_photos_are(home, end):
    run = planted(BEST, home / "photos", end)
    assert found(home) == run.id
    assert found(home, photos=home / "moved") is None


def test_a_tested_run_is_a_result_before_all_its_photos_are_explained(home):
    run = planted(BEST, home / "photos")
    with EventLog(run.events_file) as log:
        log("end", reason="stopped")
    assert run.state == "tested" and found(home, photos=home / "moved") == run.id


def test_a_finished_run_comes_before_a_newer_unfinished_one(home):
    done = planted(BEST, home / "photos")
    planted(BEST, home / "photos", "stopped")
    assert found(home) == done.id


def test_a_run_that_never_began_is_gone_on_with(home):
    assert found(home) is None
    run = runs.create(BEST, home / "photos")
    assert found(home) == run.id


def test_a_run_whose_recipe_changed_on_the_way_is_nobodys_result(home):
    run = planted(BEST.changed({"learning_rate": 0.5}), home / "photos", "failed")
    run.amended({"learning_rate": BEST.learning_rate})
    assert run.config.learning_rate == BEST.learning_rate and found(home) is None


def test_a_run_that_cannot_be_read_is_passed_over(home):
    done = planted(BEST, home / "photos")
    write_json(planted(BEST, home / "photos").folder / "config.json", {"train": {"hue": 1}})
    planted(BEST, home / "photos").events_file.unlink()
    (home / "runs" / "stray").mkdir()
    (home / "runs" / "stray" / "events.jsonl").mkdir()
    assert found(home) == done.id


def test_a_relative_path_means_the_same_recipe_as_the_whole_one(home, monkeypatch):
    monkeypatch.chdir(home)
    run = planted(BEST.changed({"extra": "more"}), home / "photos")
    assert found(home, BEST.changed({"extra": str(home / "more")})) == run.id
    assert found(home, BEST.changed({"extra": "./more/"})) == run.id


# ---- what came out

CARD = {
    "metrics": {"test_n": 400, "test_accuracy": 0.95, "macro_f1": 0.9},
    "cost": {"parameters": 25_000_000, "flops": 8_180_000_000, "images_per_second": 90.0},
    "training_seconds": 61.0,
}


def test_a_run_is_measured_by_its_card_and_its_files(home):
    assert comparison.measured_run(planted(BEST, home / "photos", card=CARD)) == {
        "test_n": 400, "accuracy": 0.95, "macro_f1": 0.9, "parameters": 25_000_000, "flops": 8_180_000_000,
        "images_per_second": 90.0, "prediction_ms": None, "megabytes": 1.5, "training_seconds": 61.0,
    }  # fmt: skip


def test_an_older_card_leaves_gaps_that_the_log_may_fill_and_nobody_invents(home):
    numbers = comparison.measured_run(planted(BEST, home / "photos"))
    assert numbers.pop("images_per_second") == 100.0  # the median of 80 and 120 in the log
    assert numbers.pop("megabytes") == 1.5
    assert set(numbers.values()) == {None}


def test_training_seconds_count_the_sessions_and_not_the_nights_between(home):
    run = runs.create(BEST, home)
    lines = [("start", 100), ("step", 101), ("epoch", 130), ("end", 131),  # 30 s
             ("start", 9000), ("step", 9004), ("epoch", 9010), ("evaluate", 9500), ("end", 9501)]  # 10 s  # fmt: skip
    text = [f'{{"seq":{i},"t":{t},"type":"{kind}"}}\n' for i, (kind, t) in enumerate(lines)]
    (run.folder / "events.jsonl").write_text("".join(text))
    assert run.training_seconds == 40


def result(accuracy, **more):
    return dict.fromkeys(comparison.NUMBERS) | {"test_n": 400, "accuracy": accuracy} | more


def test_one_seed_has_an_interval_and_no_spread():
    row = comparison.row("recipes", "best", {0: result(0.95)})
    assert (row["low"], row["high"]) == wilson(380, 400) and (row["min"], row["max"]) == (None, None)


def test_several_seeds_have_a_mean_and_a_spread_and_are_not_pooled():
    results = {
        seed: result(share, training_seconds=s) for seed, share, s in ((0, 0.94, 10), (1, 0.96, 20), (2, 0.95, 60))
    }
    row = comparison.row("recipes", "best", results)
    assert row["accuracy"] == pytest.approx(0.95) and (row["min"], row["max"]) == (0.94, 0.96)
    assert (row["low"], row["high"]) == pytest.approx(wilson(380, 400))  # 400 photos, not 1,200
    assert row["training_seconds"] == 30 and (row["runs"], row["seeds"]) == (3, "0 1 2")


def test_ablations_stand_in_order_of_effect_behind_their_base():
    shares = {"best": 0.90, "flips": 0.89, "paper": None, "schedule": 0.95, "crops": 0.80}
    rows = [comparison.row("recipes", name, {0: result(share)} if share else {}) for name, share in shares.items()]
    rows += [comparison.row("architectures", name, {0: result(0.5)}) for name in ("vgg16", "googlenet")]
    names = [row["variant"] for row in comparison.by_effect(rows)]
    assert names == ["best", "crops", "schedule", "flips", "paper", "vgg16", "googlenet"]


def test_the_table_in_words_and_as_csv(tmp_path):
    full = result(0.95, macro_f1=0.9, parameters=25_557_032, flops=8_178_368_512, images_per_second=1234.4,
                  prediction_ms=12.34, megabytes=51.24, training_seconds=61.4)  # fmt: skip
    rows = [comparison.row("recipes", "best", {0: full}), comparison.row("architectures", "vgg16", {})]
    frame = comparison.table(rows)
    text = comparison.markdown(frame, ["A note."])
    assert "### Recipes" in text and "### Architectures" in text and text.endswith("- A note.")
    best = "| best | 1 | 0 | 400 | 95.00% | 92.4% to 96.7% | – | 0.900 | 25.6 M | 8.18 G | 1,234 | 12.3 | 51.2 | 61 |"
    assert best in text
    assert "| vgg16 | 0 | – | – | – | – | – | – | – | – | – | – | – | – |" in text
    widths = {line.count("|") for line in text.splitlines() if line.startswith("|")}
    assert widths == {len(comparison.HEADINGS) + 1}
    back = pd.read_csv(comparison.save(frame, tmp_path / "new" / "t.csv"))
    assert back["parameters"][0] == 25_557_032 and pd.isna(back["accuracy"][1])
    assert comparison.save(frame, tmp_path / "t.md", ["A note."]).read_text() == text + "\n"
    with pytest.raises(UserError, match=r"\.md nor \.csv"):
        comparison.save(frame, tmp_path / "t.xls")
