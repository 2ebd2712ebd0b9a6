"""A model's card for people: weights/NAME/README.md, written by `publish` from card.json and the stored evaluation.

    card.markdown(json.loads(file.read_text()), Evaluation.load(folder / "evaluation.parquet"), about)

Nothing is typed in but `about`: what the photos are, their licences, what the model is for.
"""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fashion_core import UserError, paper
from fashion_core.class_names import COLOUR, GARMENT, factors
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.photos.imaging import printable
from fashion_core.stats import between

WORST = 3  # confusions that are named
VERDICTS = {"clear": "label clear by eye", "arguable": "arguable", "wrong": "label wrong by eye"}


def markdown(card: Mapping[str, Any], evaluation: Evaluation, about: str = "") -> str:
    """The card as Markdown. `about` is Markdown that a person wrote; without it the card says that nobody did."""
    parts = (
        f"# {card['name']}",
        f"{card['architecture']} at {card['image_size']} px for {len(card['classes'])} classes: "
        f"{', '.join(card['classes'])}.",
        about.strip() or "*Nobody has written down yet where its photos come from, their licences, or its use.*",
        "## What it reaches\n\n" + _metrics(card, evaluation),
        "## Class by class\n\n" + _classes(evaluation),
        "## Where it is weak\n\n" + _weaknesses(evaluation),
        "## Calibration\n\n" + _calibration(card, evaluation),
        "## How it was made\n\n" + _recipe(card),
        "## How to use it\n\n" + _use(card),
    )
    return "\n\n".join(parts) + "\n"


def size_problem(folder: Path, limit: int = 50_000_000) -> str | None:
    """What is too large to share, as a sentence; None where every file is below `limit` bytes."""
    for file in sorted(folder.iterdir()):
        if file.stat().st_size > limit:
            return (
                f"{file.name} has {file.stat().st_size / 1e6:.0f} MB, more than the {limit / 1e6:.0f} MB that many "
                "hosts take in one file: train a smaller architecture."
            )
    return None


def seeds(run: str, evaluation: Evaluation, others: Mapping[str, tuple[int, Evaluation]]) -> list[dict[str, Any]]:
    """A row for each run of one recipe: run, seed, test_accuracy, macro_f1. UserError where they had other test photos.

    `others` are all the runs, `run` itself among them: id → (seed, evaluation).
    """
    asked = sorted(zip(evaluation.photos["path"], evaluation.photos["label"], strict=True))
    rows = []
    for name, (seed, other) in others.items():
        if sorted(zip(other.photos["path"], other.photos["label"], strict=True)) != asked:
            raise UserError(f"Run {name} was tested on other photos than {run}: seeds compare on one test only.")
        summary = other.summary()
        rows.append({"run": name, "seed": seed, "test_accuracy": summary["accuracy"], "macro_f1": summary["macro_f1"]})
    return rows


def _share(right: int, n: int) -> str:
    return f"{right / n:.2%} ({right:,} of {n:,}) | {between(right, n)}" if n else "– | –"


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _metrics(card: Mapping[str, Any], evaluation: Evaluation) -> str:
    metrics = card.get("metrics") or {}
    lines = [["accuracy", _share(int(evaluation.right.sum()), len(evaluation))]]
    if "leaked" in evaluation.meta:
        lines.append(
            ["without test photos that have a near-duplicate in training", _share(*evaluation.without_leaks())]
        )
    for verdict, found in (metrics.get("review") or {}).items():
        n = found["n"]
        text = f"of these, {VERDICTS.get(verdict, verdict)} (macro-F1 {found['macro_f1']:.3f})"
        lines.append([text, _share(round(found["accuracy"] * n), n)])
    if factors(evaluation.classes):
        for part, word in ((COLOUR, "colour alone"), (GARMENT, "garment alone")):
            lines.append([word, _share(int(evaluation.marginalised(part).right.sum()), len(evaluation))])
    if paper.matches(evaluation.classes):
        lines.append(["the paper, on other photos", _share(paper.TEST_RIGHT, paper.TEST_PHOTOS)])
    text = "On test photos that took no part in training or in choosing the epoch; 95 % Wilson intervals.\n\n"
    text += "\n".join(["| | test photos | interval |", "|---|---|---|", *(f"| {a} | {b} |" for a, b in lines)])
    text += f"\n\nMacro-F1: {evaluation.summary()['macro_f1']:.3f}."
    if len(rows := card.get("seeds") or ()) > 1:
        each = [row["test_accuracy"] for row in rows]
        text += (
            f" Over {len(each)} seeds ({', '.join(str(row['seed']) for row in rows)}) on the same test photos: mean "
            f"accuracy {statistics.fmean(each):.2%}, {min(each):.2%} to {max(each):.2%}, standard deviation "
            f"{statistics.stdev(each):.2%}."
        )
    return text


def _classes(evaluation: Evaluation) -> str:
    report = evaluation.report().iloc[: len(evaluation.classes)]
    hits = evaluation.confusion().diagonal()
    rows = [
        [name, f"{line['precision']:.3f}", _share(int(hit), int(line["support"])), f"{line['f1-score']:.3f}"]
        for (name, line), hit in zip(report.iterrows(), hits, strict=True)
    ]
    return _table(("class", "precision", "recall", "interval", "F1"), rows)


def _weaknesses(evaluation: Evaluation) -> str:
    matrix, names = evaluation.confusion(), evaluation.classes
    wrong = matrix - np.diag(matrix.diagonal())
    if not wrong.any():
        return "It made no mistake on these test photos, which says more about them than about the next ones."
    photos = dict(zip(names, matrix.sum(axis=1), strict=True))
    lines = [f"- {n} of {photos[true]} {true} are called {said}." for true, said, n in evaluation.confusions(WORST)]
    recall = {name: matrix[i, i] / matrix[i].sum() for i, name in enumerate(names) if matrix[i].sum()}
    low = min(recall, key=recall.get)
    lines.append(f"- Lowest recall: {low}, {recall[low]:.2f} of {matrix[names.index(low)].sum()} photos.")
    if counts := evaluation.error_type_counts:
        colour, garment, both = counts.values()
        lines.append(f"- Of {wrong.sum()} mistakes: {colour} colour alone, {garment} garment alone, {both} both.")
    few = [f"{name} ({matrix[i].sum()})" for i, name in enumerate(names) if 0 < matrix[i].sum() < 20]
    if few:
        lines.append(f"- Too few test photos to say much: {', '.join(few)}.")
    return "\n".join(lines)


def _calibration(card: Mapping[str, Any], evaluation: Evaluation) -> str:
    return (
        f"Confidences are divided by a temperature of {card['temperature']:.3f}, fitted on the validation photos. The "
        f"expected calibration error on the test photos is {evaluation.calibration_error:.3f} (15 bins); their mean "
        f"confidence is {evaluation.confidence.mean():.1%}."
    )


def _recipe(card: Mapping[str, Any]) -> str:
    data, config = card.get("dataset") or {}, card.get("config") or {}
    facts = {
        "photos": f"{printable(data.get('name', 'unknown'))}, {data.get('photos', 0):,}, fingerprint "
        f"{str(data.get('fingerprint', ''))[:12]}",
        "weights at the start": card.get("weights", "unknown"),
        "hardware": card.get("hardware", "unknown"),
        "training time": f"{card.get('training_seconds', 0) / 60:.1f} minutes",
        "chosen epoch": f"{card.get('epoch', 'unknown')} of {config.get('epochs', 'unknown')}, by validation",
        "created": card.get("created", "unknown"),
        "versions": ", ".join(f"{name} {version}" for name, version in (card.get("versions") or {}).items()),
    }
    notes = "\n".join(f"- {printable(note)}" for note in card.get("notes") or ())
    settings = _table(("setting", "value"), [[key, f"`{printable(str(value))}`"] for key, value in config.items()])
    return "\n\n".join(filter(None, [_table(("", ""), list(facts.items())), notes, settings]))


def _use(card: Mapping[str, Any]) -> str:
    return (
        f"    python -m fashion_core predict {card['name']} photo.jpg\n\n"
        "`model.xml` and `model.bin` are for OpenVINO: uint8 RGB photos (n, size, size, 3) in, normalised inside, and "
        "three outputs: `logits`, `embedding` and `features`, the last feature map. `model.safetensors` holds the same "
        "weights in float16 for torch. `evaluation.parquet` holds the names, labels and probabilities of the test "
        "photos, not the photos."
    )
