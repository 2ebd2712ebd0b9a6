"""One table of what the runs of an experiment reached and what each costs."""

import platform
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from fashion_core import UserError
from fashion_core.models.card import read_card
from fashion_core.models.predictor import Predictor, cpus
from fashion_core.photos.dataset import Dataset
from fashion_core.photos.imaging import printable
from fashion_core.runs import Run
from fashion_core.runs.config import TrainConfig
from fashion_core.runs.experiment import Variant
from fashion_core.stats import wilson

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
        f"Photos: {printable(photos.root.name)}, {count['train']:,} to train, {count['validation']:,} to validate, "
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
        raise UserError(f"{printable(file)} is neither .md nor .csv: name the table's file with one of these endings.")
