"""Experiments: variants of one recipe, trained on the same photos, side by side in one table.

    python -m fashion_core compare DIR --what recipes --seeds 0 1 2 --out recipes.md

A run on disk with the settings and photos of a variant is its result, whoever started it: nothing is trained twice.
"""

import platform
import shlex
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from PIL import Image

from fashion_core import UserError
from fashion_core.models.card import read_card
from fashion_core.models.predictor import Predictor, cpus
from fashion_core.photos import label_corrections
from fashion_core.photos.dataset import Dataset
from fashion_core.photos.imaging import shown
from fashion_core.runs import Run, config
from fashion_core.runs.config import TrainConfig
from fashion_core.stats import wilson

Changes = Mapping[str, Any]
PATHS = ("pretrained", "extra", "decisions")  # settings of which only the name is worth reading
HALF = "half"  # of the base's own image_size

# A variant is what it changes in the base; "preset" is another recipe to start from.
RECIPES: dict[str, Changes] = {
    "paper": {"preset": "paper"},
    "without-schedule": {"schedule": "constant"},
    "without-crops": {"crop_scale": 1.0},
    "without-flips": {"flip": False},
    "without-label-smoothing": {"label_smoothing": 0.0},
    "without-ema": {"ema_decay": 0.0},
    "without-pretraining": {"pretrained": "none"},
    "without-extra-photos": {"extra": ""},
    "without-mended-labels": {"decisions": ""},
    "half-size": {"image_size": HALF},
}
ARCHITECTURES: dict[str, Changes] = {
    name: {"architecture": name}
    for name in (
        "resnet50", "vgg16", "googlenet", "mobilenet_v3_large", "convnext_tiny", "resnet50_two_head", "resnet50_se",
    )
}  # fmt: skip
EXPERIMENTS = {"recipes": RECIPES, "architectures": ARCHITECTURES}
PAPERS_OWN = ("paper", "resnet50", "vgg16", "googlenet")  # its recipe, and the networks that it names; the base beside

NUMBERS = (
    "test_n", "accuracy", "macro_f1", "parameters", "flops", "images_per_second", "prediction_ms", "megabytes",
    "training_seconds",
)  # fmt: skip
COLUMNS = ("experiment", "variant", "runs", "seeds", "test_n", "accuracy", "low", "high", "min", "max", *NUMBERS[2:])
HEADINGS = (
    "variant", "runs", "seeds", "test photos", "accuracy", "95 % interval", "over the seeds", "macro-F1", "parameters",
    "FLOPs", "training photos/s", "prediction ms", "MB", "training s",
)  # fmt: skip
NONE = "–"


class Variant(NamedTuple):
    """One row to be: the experiment it belongs to, its name, and its recipe once per seed."""

    experiment: str
    name: str
    configs: tuple[TrainConfig, ...]


# What to train ------------------------------------------------------------------------------------------------------


def plan(
    experiments: Sequence[str],
    preset: str = "best",
    given: Changes | None = None,
    seeds: Sequence[int] = (0,),
    only: Sequence[str] | None = None,
) -> list[Variant]:
    """The variants of `experiments` around the base `preset`; `only` names those that are wanted.

    `given` holds for every variant, but for the setting that a variant is about. UserError for a name that is none.
    """
    for key, instead in (("seed", "--seeds"), ("preset", "--preset")):
        if key in (given or {}):
            raise UserError(f"compare takes no {key} from --set: use {instead}.")
    everything = [
        Variant(experiment, name, tuple(recipe.changed({"seed": seed}) for seed in dict.fromkeys(seeds)))
        for experiment in experiments
        for name, recipe in variants(experiment, preset, given or {}).items()
    ]
    names = [variant.name for variant in everything]
    if strangers := [name for name in only or () if name not in names]:
        raise UserError(f"There is no variant {strangers[0]!r} here; choose from {', '.join(dict.fromkeys(names))}.")
    return [variant for variant in everything if not only or variant.name in only]


def variants(experiment: str, preset: str, given: Changes) -> dict[str, TrainConfig]:
    """Name → recipe. A variant that changes nothing in this base is left out: it would be the base again."""
    base = config.preset(preset).changed(dict(given))
    found = {preset: base} if experiment == "recipes" else {}
    for name, changes in EXPERIMENTS[experiment].items():
        start = config.preset(changes["preset"]).changed(dict(given)) if "preset" in changes else base
        values = {key: value for key, value in changes.items() if key != "preset"}
        if values.get("image_size") == HALF:
            values["image_size"] = max(config.RANGES["image_size"][0], base.image_size // 2)
        recipe = start.changed(values)
        if recipe not in found.values():
            found[name] = recipe
    return found


def changes(settings: Changes) -> dict[str, Any]:
    """Those of a recipe's `settings` in which it differs from the preset that it bears the name of."""
    usual = config.PRESETS.get(settings.get("preset"), TrainConfig()).as_dict()
    return {key: value for key, value in settings.items() if key != "preset" and value != usual.get(key)}


def title(settings: Changes) -> str:
    """A recipe in a few words: its preset and what was changed in it, as in "best, vgg16, flip=False"."""
    parts = [
        str(value) if key == "architecture" else f"{key}={(Path(value).name or 'none') if key in PATHS else value}"
        for key, value in changes(settings).items()
        if (key, value) != ("decisions", "")  # as usual where nobody decided
    ]
    return ", ".join([str(settings.get("preset", "no preset")), *parts])


def command(recipe: TrainConfig, dataset: Path, runs_dir: Path | None = None) -> str:
    """The `train` command that trains exactly this recipe, ready for a shell."""
    words = ["python", "-m", "fashion_core", "train", str(dataset), "--preset", recipe.preset]
    if changed := changes(recipe.as_dict()):
        words += ["--set", *(f"{key}={value if value != '' else 'none'}" for key, value in changed.items())]
    return shlex.join([*words, *(["--runs", str(runs_dir)] if runs_dir else [])])


# What is there already ----------------------------------------------------------------------------------------------


def find(recipe: TrainConfig, dataset: Path, fingerprint: str, among: Iterable[Run]) -> Run | None:
    """The run of exactly this recipe on exactly these photos and split: a finished one, else one to go on with.

    Finished runs are known by the photos' fingerprint, so those brought here from another machine count; one to go on
    with must also read the same folder.
    """
    recipe, unfinished = recipe.changed({"decisions": label_corrections.settled(recipe.decisions, dataset)}), None
    for run in among:
        if _recipe_of(run) != recipe.as_dict() or not _decided_alike(run, recipe):
            continue
        photos, state = _fingerprint(run), run.state
        if photos == fingerprint and state == "finished" and run.model_folder:
            return run
        if (
            photos in (fingerprint, None)
            and run.dataset == dataset.resolve()
            and state in ("stopped", "crashed", "failed")
        ):
            unfinished = unfinished or run
    return unfinished


def _recipe_of(run: Run) -> dict[str, Any]:
    """All its settings; those that did not exist yet when it began have their default."""
    return TrainConfig().as_dict() | run.record.get("train", {})


def _decided_alike(run: Run, recipe: TrainConfig) -> bool:
    """Whether it learned from the decisions that `recipe` would learn from now; an old run kept no copy of its own."""
    kept = run.folder / label_corrections.COPY
    return not kept.exists() or label_corrections.read(kept) == label_corrections.chosen(recipe.decisions)


def _fingerprint(run: Run) -> str | None:
    """Of the photos that it last started on; None where it never came so far."""
    starts = [event for event in run.events() if event["type"] == "start"]
    return starts[-1].get("fingerprint") if starts else None


# What came out ------------------------------------------------------------------------------------------------------


def measured(folder: Path, card: Mapping[str, Any]) -> dict[str, float | None]:
    """The NUMBERS of a model folder that its card and its files tell; None for what they do not."""
    metrics, cost = card.get("metrics") or {}, card.get("cost") or {}
    file = folder / "model.safetensors"
    return {
        "test_n": metrics.get("test_n"),
        "accuracy": metrics.get("test_accuracy"),
        "macro_f1": metrics.get("macro_f1"),
        "parameters": cost.get("parameters"),
        "flops": cost.get("flops"),
        "images_per_second": cost.get("images_per_second"),
        "prediction_ms": None,
        "megabytes": file.stat().st_size / 1e6 if file.is_file() else None,
        "training_seconds": card.get("training_seconds"),
    }


def measured_run(run: Run) -> dict[str, float | None]:
    """The same of a finished run; what an old card lacks and the log has comes from there."""
    folder = run.folder / "model"
    numbers = measured(folder, read_card(folder))
    return numbers | {"images_per_second": numbers["images_per_second"] or run.images_per_second}


def prediction_ms(folders: Iterable[Path], rounds: int = 30) -> dict[Path, float]:
    """Median milliseconds to predict one photo with each model, on OpenVINO; models that cannot predict are left out.

    The models take turns, so that whatever else the machine does meets all of them alike.
    """
    ready = {}
    for folder in dict.fromkeys(folders):
        try:
            predictor = Predictor(folder)
        except UserError:
            continue
        size = predictor.card["image_size"]
        noise = np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8)
        ready[folder] = predictor, [Image.fromarray(noise)]
    times: dict[Path, list[float]] = {folder: [] for folder in ready}
    for turn in range(rounds + 2):
        for folder, (predictor, photo) in ready.items():
            began = time.perf_counter()
            predictor(photo)
            if turn >= 2:  # the first passes fill caches
                times[folder].append((time.perf_counter() - began) * 1000)
    return {folder: statistics.median(passes) for folder, passes in times.items()}


def row(experiment: str, name: str, results: Mapping[int, Mapping[str, float | None]]) -> dict[str, Any]:
    """One row of the table from `results`, seed → NUMBERS: each number is the mean over the seeds that have it.

    All seeds answer the same test photos, so they are never pooled: `low` to `high` is Wilson's interval of the mean
    accuracy on that one test; `min` to `max` is the spread over the seeds, where there are several.
    """
    values = {key: _mean(result.get(key) for result in results.values()) for key in NUMBERS}
    n, accuracy = values["test_n"], values["accuracy"]
    low, high = wilson(accuracy * n, n) if n and accuracy is not None else (None, None)
    each = [result["accuracy"] for result in results.values() if result.get("accuracy") is not None]
    spread = (min(each), max(each)) if len(each) > 1 else (None, None)
    about = {"experiment": experiment, "variant": name, "runs": len(results), "seeds": " ".join(map(str, results))}
    return about | values | {"low": low, "high": high, "min": spread[0], "max": spread[1]}


def by_effect(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Recipes behind their base, which comes first, by how far each is from its accuracy; the rest as they were."""
    recipes = [row for row in rows if row["experiment"] == "recipes"]

    def nearness(row: Mapping[str, Any]) -> float:
        known = None not in (row["accuracy"], recipes[0]["accuracy"])
        return -abs(row["accuracy"] - recipes[0]["accuracy"]) if known else 0.0

    others = [row for row in rows if row["experiment"] != "recipes"]
    return [*recipes[:1], *sorted(recipes[1:], key=nearness), *others]


def table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """`row`s as a table of plain numbers: shares from 0 to 1, missing ones not-a-number."""
    frame = pd.DataFrame(list(rows), columns=COLUMNS)
    whole = dict.fromkeys(("test_n", "parameters", "flops"), "Int64")  # the whole numbers that may be missing
    return frame.astype(dict.fromkeys(COLUMNS[4:], float)).astype(whole)


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def results(
    variants: Sequence[Variant], finished: Mapping[TrainConfig, Run], photos: Dataset
) -> tuple[pd.DataFrame, list[str]]:
    """The table of `variants` from their `finished` runs, and what must be known to read it, a sentence each."""
    speed = prediction_ms(
        finished[variant.configs[0]].folder / "model" for variant in variants if variant.configs[0] in finished
    )
    rows, cards = [], []
    for variant in variants:
        found = {}
        for recipe in variant.configs:
            if run := finished.get(recipe):
                folder = run.folder / "model"
                cards.append((variant.name, read_card(folder)))
                found[recipe.seed] = measured_run(run) | {"prediction_ms": speed.get(folder)}
        rows.append(row(variant.experiment, variant.name, found))
    return table(by_effect(rows)), _notes(cards, photos)


def _notes(cards: Sequence[tuple[str, Mapping[str, Any]]], photos: Dataset) -> list[str]:
    devices = sorted({card["hardware"] for _, card in cards if card.get("hardware")})
    count = photos.photos["split"].value_counts()
    notes = [
        f"Photos: {shown(photos.root.name)}, {count['train']:,} to train, {count['validation']:,} to validate, "
        f"{count['test']:,} to test; every row answers the same test photos.",
        f"Trained on {' and on '.join(devices)}." if devices else "",
        f"Prediction: one photo on OpenVINO on this machine ({platform.machine()}, {cpus()} CPUs), the models in turn.",
        "FLOPs are per photo; a multiplication and an addition count as two.",
    ]
    if len(devices) > 1:
        notes.append("Training times and speeds of different devices do not compare.")
    for name, card in cards:
        if (card.get("config") or {}).get("pretrained") != "none" and card.get("weights", "").startswith("Random"):
            notes.append(f"{name}: {card['weights']}")
    return list(dict.fromkeys(filter(None, notes)))


# The table in words -------------------------------------------------------------------------------------------------


def markdown(frame: pd.DataFrame, notes: Sequence[str] = ()) -> str:
    """A Markdown table per experiment, then the notes; what is not known is a dash."""
    parts = []
    for experiment, rows in frame.groupby("experiment", sort=False):
        lines = [HEADINGS, ("---", *["---:"] * (len(HEADINGS) - 1)), *map(_words, rows.to_dict("records"))]
        text = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
        parts.append(f"### {experiment.capitalize()}\n\n{text}\n")
    return "\n".join([*parts, *(f"- {note}" for note in notes)])


def _words(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        row["variant"],
        str(row["runs"]),
        row["seeds"] or NONE,
        number(row["test_n"], ",.0f"),
        number(row["accuracy"], ".2%"),
        _between(row["low"], row["high"]),
        _between(row["min"], row["max"]),
        number(row["macro_f1"], ".3f"),
        number(row["parameters"], ".3g", " M", 1e6),
        number(row["flops"], ".3g", " G", 1e9),
        number(row["images_per_second"], ",.0f"),
        number(row["prediction_ms"], ".1f"),
        number(row["megabytes"], ".1f"),
        number(row["training_seconds"], ",.0f"),
    )


def number(value: float | None, form: str, unit: str = "", per: float = 1) -> str:
    """A number in words, as so many `unit`s of `per` each; a dash where there is none."""
    return NONE if pd.isna(value) else f"{value / per:{form}}{unit}"


def _between(low: float, high: float) -> str:
    return NONE if pd.isna(low) else f"{low:.1%} to {high:.1%}"


def save(frame: pd.DataFrame, file: Path, notes: Sequence[str] = ()) -> Path:
    """Write the table: plain numbers as .csv, with nothing where there is none; words as .md."""
    check_name(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".csv":
        frame.to_csv(file, index=False)
    else:
        file.write_text(markdown(frame, notes) + "\n", "utf-8")
    return file


def check_name(file: Path) -> None:
    """UserError for a table's file that is neither Markdown nor CSV: better said before days of training."""
    if file.suffix not in (".md", ".csv"):
        raise UserError(f"{shown(file)} is neither .md nor .csv: name the table's file with one of these endings.")
