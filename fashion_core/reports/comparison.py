"""One table of what the runs of an experiment reached and what each costs."""

import platform
import statistics
import time
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, cast

import numpy as np
import pandas as pd
from PIL import Image

from fashion_core import UserError
from fashion_core.files import write_text
from fashion_core.models.card import ModelCard
from fashion_core.models.predictor import Predictor, cpus
from fashion_core.photos.dataset import Dataset
from fashion_core.photos.imaging import printable
from fashion_core.reports.markdown import table as markdown_table
from fashion_core.runs import Run
from fashion_core.runs.config import TrainConfig
from fashion_core.runs.experiment import Variant
from fashion_core.stats import wilson


class Numbers(TypedDict):
    """What a model reached, shares from 0 to 1, and what it costs; None for what is not known."""

    test_n: float | None
    accuracy: float | None
    macro_f1: float | None
    parameters: float | None
    flops: float | None
    images_per_second: float | None
    prediction_ms: float | None
    megabytes: float | None
    training_seconds: float | None


class Row(Numbers):
    """One row of the table: the mean Numbers of a variant's runs, Wilson's interval `low` to `high` and, of several
    seeds, the spread `min` to `max` of the accuracy."""

    experiment: str
    variant: str
    runs: int
    seeds: str
    low: float | None
    high: float | None
    min: float | None
    max: float | None


NUMBERS = tuple(Numbers.__annotations__)
COLUMNS = ("experiment", "variant", "runs", "seeds", "test_n", "accuracy", "low", "high", "min", "max", *NUMBERS[2:])
HEADINGS = (
    "variant", "runs", "seeds", "test photos", "accuracy", "95% interval", "over the seeds", "macro-F1", "parameters",
    "FLOPs", "training photos/s", "prediction ms", "MB", "training s",
)  # fmt: skip
NONE = "–"


def measured(folder: Path, card: ModelCard) -> Numbers:
    """The numbers of a model folder that its card and its files tell."""
    file = folder / "model.safetensors"
    return {
        "test_n": card.metrics.test_n or None,
        "accuracy": card.metrics.test_accuracy,
        "macro_f1": card.metrics.macro_f1,
        "parameters": card.cost.parameters,
        "flops": card.cost.flops,
        "images_per_second": card.cost.images_per_second,
        "prediction_ms": None,
        "megabytes": file.stat().st_size / 1e6 if file.is_file() else None,
        "training_seconds": card.training_seconds,
    }


def measured_run(run: Run) -> Numbers:
    """The same of a finished run; what an old card lacks and the log has comes from there."""
    folder = run.folder / "model"
    numbers = measured(folder, ModelCard.read(folder))
    return {**numbers, "images_per_second": numbers["images_per_second"] or run.images_per_second}


def prediction_ms(folders: Iterable[Path], rounds: int = 30) -> dict[Path, float]:
    """Median milliseconds to predict one photo with each model, on OpenVINO; models that cannot predict are left out.

    The models take turns, so that whatever else the machine does meets all of them alike.
    """
    ready: dict[Path, tuple[Predictor, list[Image.Image]]] = {}
    for folder in dict.fromkeys(folders):
        try:
            predictor = Predictor(folder)
        except UserError:
            continue
        size = predictor.card.image_size
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


def row(experiment: str, name: str, results: Mapping[int, Numbers]) -> Row:
    """One row of the table from `results`, seed → numbers: each number is the mean over the seeds that have it.

    All seeds answer the same test photos, so they are never pooled: `low` to `high` is Wilson's interval of the mean
    accuracy on that one test; `min` to `max` is the spread over the seeds, where there are several.
    """
    every = [cast(Mapping[str, float | None], result) for result in results.values()]
    means = cast(Numbers, {key: _mean(result[key] for result in every) for key in NUMBERS})
    n, accuracy = means["test_n"], means["accuracy"]
    interval = wilson(accuracy * n, round(n)) if n and accuracy is not None else None
    each = [result["accuracy"] for result in results.values() if result["accuracy"] is not None]
    several = len(each) > 1
    return {
        "experiment": experiment, "variant": name, "runs": len(results), "seeds": " ".join(map(str, results)), **means,
        "low": interval and interval[0], "high": interval and interval[1],
        "min": min(each) if several else None, "max": max(each) if several else None,
    }  # fmt: skip


def by_effect(rows: Sequence[Row]) -> list[Row]:
    """Recipes behind their base, which comes first, by how far each is from its accuracy; the rest as they were."""
    recipes = [row for row in rows if row["experiment"] == "recipes"]

    def nearness(row: Row) -> float:
        own, base = row["accuracy"], recipes[0]["accuracy"]
        return -abs(own - base) if own is not None and base is not None else 0.0

    others = [row for row in rows if row["experiment"] != "recipes"]
    return [*recipes[:1], *sorted(recipes[1:], key=nearness), *others]


def table(rows: Sequence[Row]) -> pd.DataFrame:
    """`row`s as a table of plain numbers: shares from 0 to 1, missing ones not-a-number."""
    frame = pd.DataFrame(list(rows), columns=COLUMNS)
    frame = frame.astype(dict.fromkeys(COLUMNS[4:], float))
    return frame.astype(dict.fromkeys(("test_n", "parameters", "flops"), "Int64"))  # whole numbers, or missing


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
    rows: list[Row] = []
    cards: list[tuple[str, ModelCard]] = []
    for variant in variants:
        found: dict[int, Numbers] = {}
        for recipe in variant.configs:
            if run := finished.get(recipe):
                folder = run.folder / "model"
                cards.append((variant.name, ModelCard.read(folder)))
                found[recipe.seed] = {**measured_run(run), "prediction_ms": speed.get(folder)}
        rows.append(row(variant.experiment, variant.name, found))
    return table(by_effect(rows)), _notes(cards, photos)


def _notes(cards: Sequence[tuple[str, ModelCard]], photos: Dataset) -> list[str]:
    devices = sorted({card.hardware for _, card in cards if card.hardware})
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
        if card.settings.get("pretrained") != "none" and card.initial_weights.startswith("Random"):
            notes.append(f"{name}: {card.initial_weights}")
    return list(dict.fromkeys(filter(None, notes)))


def markdown(frame: pd.DataFrame, notes: Sequence[str] = ()) -> str:
    """A Markdown table per experiment, then the notes; what is not known is a dash."""
    parts = []
    for experiment, rows in frame.groupby("experiment", sort=False):
        text = markdown_table(HEADINGS, map(_words, rows.to_dict("records")), numbers=HEADINGS[1:])
        parts.append(f"### {str(experiment).capitalize()}\n\n{text}\n")
    return "\n".join([*parts, *(f"- {note}" for note in notes)])


def _words(row: Mapping[Hashable, Any]) -> tuple[str, ...]:
    """The cells of a row of the table, missing numbers as not-a-number, by HEADINGS."""
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
    return NONE if value is None or pd.isna(value) else f"{value / per:{form}}{unit}"


def _between(low: float, high: float) -> str:
    return NONE if pd.isna(low) else f"{low:.1%} to {high:.1%}"


def save(frame: pd.DataFrame, file: Path, notes: Sequence[str] = ()) -> Path:
    """Write the table: plain numbers as .csv, with nothing where there is none; words as .md."""
    check_name(file)
    return write_text(file, frame.to_csv(index=False) if file.suffix == ".csv" else markdown(frame, notes) + "\n")


def check_name(file: Path) -> None:
    """UserError for a table's file that is neither Markdown nor CSV: better said before days of training."""
    if file.suffix not in (".md", ".csv"):
        raise UserError(f"{printable(file)} is neither .md nor .csv: name the table's file with one of these endings.")
