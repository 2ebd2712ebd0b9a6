"""A model's card for people: weights/NAME/README.md, written by `publish` from card.json and the stored evaluation.

    markdown(ModelCard.read(folder), Evaluation.load(folder / "evaluation.parquet"), about)

Nothing is typed in but `about`: what the photos are, their licences, what the model is for.
"""

import statistics
from pathlib import Path

import numpy as np

from fashion_core import paper
from fashion_core.class_names import COLOUR, GARMENT, factors
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.models.card import ModelCard
from fashion_core.models.precision import BFLOAT16, SETTING, as_sure
from fashion_core.photos.imaging import printable
from fashion_core.reports.markdown import table
from fashion_core.stats import between

FILE = "README.md"
WORST = 3  # confusions that are named
FEW = 20  # test photos of a class, below which its figures say little
UNKNOWN = "unknown"
VERDICTS = {"clear": "label clear by eye", "arguable": "arguable", "wrong": "label wrong by eye"}


def markdown(card: ModelCard, evaluation: Evaluation, about: str = "") -> str:
    """The card as Markdown. `about` is Markdown that a person wrote; without it the card says that nobody did."""
    parts = (
        f"# {printable(card.name)}",
        f"{card.architecture or 'A network'} at {card.image_size} px for {len(card.classes)} classes: "
        f"{', '.join(map(printable, card.classes))}.",
        about.strip() or "*Nobody has written down yet where its photos come from, their licences, or its use.*",
        "## What it reaches\n\n" + _metrics(card, evaluation),
        *_people(card),
        "## Class by class\n\n" + _classes(evaluation),
        "## Where it is weak\n\n" + _weaknesses(evaluation),
        "## Calibration\n\n" + _calibration(card, evaluation),
        "## How it was made\n\n" + _recipe(card),
        "## How to use it\n\n" + _use(card),
    )
    return "\n\n".join(parts) + "\n"


def rewritten(folder: Path) -> str:
    """The README.md of the model in `folder` as its card and evaluation have it now, with what a person wrote in it."""
    text = (folder / FILE).read_text("utf-8")
    about = text.split("\n\n## What it reaches")[0].split("\n\n", 2)[2:]  # below the name and the classes
    return markdown(ModelCard.read(folder), Evaluation.load(folder / "evaluation.parquet"), "".join(about))


def _share(right: int, n: int) -> tuple[str, str]:
    """The cells of an accuracy and of its interval."""
    return (f"{right / n:.2%} ({right:,} of {n:,})", between(right, n)) if n else ("–", "–")


def _metrics(card: ModelCard, evaluation: Evaluation) -> str:
    rows: list[tuple[str, ...]] = [("accuracy", *_share(int(evaluation.right.sum()), len(evaluation)))]
    if evaluation.meta.leaked is not None:
        words = "without test photos that have a near-duplicate in training"
        rows.append((words, *_share(*evaluation.without_leaks())))
    for verdict, found in card.metrics.review.items():
        words = f"of these, {VERDICTS.get(verdict, verdict)} (macro-F1 {found.macro_f1:.3f})"
        rows.append((words, *_share(found.right, found.n)))
    if factors(evaluation.classes):
        for part, words in ((COLOUR, "colour alone"), (GARMENT, "garment alone")):
            rows.append((words, *_share(int(evaluation.marginalised(part).right.sum()), len(evaluation))))
    if paper.matches(evaluation.classes) and not evaluation.meta.sample:
        rows.append(("the paper, on other photos", *_share(paper.TEST_RIGHT, paper.TEST_PHOTOS)))
    return "\n\n".join((
        "On test photos that took no part in training or in choosing the epoch; 95% Wilson intervals.",
        table(("", "test photos", "interval"), rows),
        f"Macro-F1: {evaluation.macro_f1:.3f}." + _seeds(card),
    ))  # fmt: skip


def _people(card: ModelCard) -> tuple[str, ...]:
    """The section on the photos in examples/; nothing where it was not asked about them."""
    found = card.metrics.people
    if found is None:
        return ()
    rows = [("accuracy", *_share(found.right, found.n))]
    if found.garment_n:
        rows.append(("garment alone, whatever the colour", *_share(found.garment_right, found.garment_n)))
    return (
        "## On photos people took\n\n"
        "On the photos of `examples/` at the top of the project, which people took at home and which ship with it: a "
        "small, hard benchmark, labelled by eye. The accuracy counts the photos of the classes that this model has, "
        "the garment alone those of its garments in any colour; 95% Wilson intervals.\n\n"
        + table(("", "photos people took", "interval"), rows)
        + f"\n\nMacro-F1: {found.macro_f1:.3f}. `python -m fashion_core evaluate {printable(card.name)} examples "
        "--known` says it again.",
    )


def _seeds(card: ModelCard) -> str:
    if len(card.seeds) < 2:
        return ""
    each = [result.test_accuracy for result in card.seeds]
    names = ", ".join(str(result.seed) for result in card.seeds)
    return (
        f" Over {len(each)} seeds ({names}) on the same test photos: mean accuracy "
        f"{statistics.fmean(each):.2%}, {min(each):.2%} to {max(each):.2%}, standard deviation "
        f"{statistics.stdev(each):.2%}."
    )


def _classes(evaluation: Evaluation) -> str:
    hits = evaluation.confusion().diagonal()
    rows = [
        (
            printable(str(name)),
            f"{line['precision']:.3f}",
            *_share(int(hit), int(line["support"])),
            f"{line['f1-score']:.3f}",
        )
        for (name, line), hit in zip(evaluation.class_report().iterrows(), hits, strict=True)
    ]
    return table(("class", "precision", "recall", "interval", "F1"), rows)


def _weaknesses(evaluation: Evaluation) -> str:
    matrix, names = evaluation.confusion(), list(map(printable, evaluation.classes))
    wrong, photos = int((~evaluation.right).sum()), matrix.sum(axis=1)
    if not wrong:
        return "It made no mistake on these test photos, which says more about them than about the next ones."
    of = dict(zip(evaluation.classes, photos, strict=True))
    lines = [
        f"- {n} of {of[true]} {printable(true)} are called {printable(predicted)}."
        for true, predicted, n in evaluation.confusions(WORST)
    ]
    recall = np.where(photos > 0, matrix.diagonal() / np.maximum(photos, 1), np.inf)
    low = int(recall.argmin())
    lines.append(f"- Lowest recall: {names[low]}, {recall[low]:.2f} of {photos[low]} photos.")
    if counts := evaluation.error_type_counts:
        colour, garment, both = counts.values()
        lines.append(f"- Of {wrong} mistakes: {colour} colour alone, {garment} garment alone, {both} both.")
    few = [f"{name} ({n})" for name, n in zip(names, photos, strict=True) if 0 < n < FEW]
    if few:
        lines.append(f"- Too few test photos to say much: {', '.join(few)}.")
    return "\n".join(lines)


def _calibration(card: ModelCard, evaluation: Evaluation) -> str:
    return (
        f"Confidences are divided by a temperature of {card.temperature:.3f}, fitted on the validation photos. The "
        f"expected calibration error on the test photos is {evaluation.calibration_error:.3f} (15 bins); their mean "
        f"confidence is {evaluation.confidence.mean():.1%}." + in_bfloat16(card)
    )


def in_bfloat16(card: ModelCard) -> str:
    """A paragraph on what changes where it answers in bfloat16; "" where it never does."""
    found = card.precisions.get(BFLOAT16)
    if found is None:
        return ""
    chosen = as_sure(found.states, card.states)
    when = "it answers in that" if chosen else f"it answers in that where `{SETTING}=bfloat16` asks for it"
    whole, same = f"{found.float32_right:,}", f"{found.same:,} of {found.n:,}"
    moved = f"{found.moved:.3f} at most, by {found.moved_99:.3f}"
    ask = f" `{SETTING}=float32` asks for float32." if chosen else ""
    return (
        f"\n\nEvery figure here is of float32. On a CPU that computes in bfloat16, {when}: {same} test photos keep "
        f"their class, and {found.right:,} are right in place of {whole}; a probability moves by {moved} in 99% "
        f"of the photos. Its temperature there is {found.temperature:.3f}, its limits of what is sure are its own.{ask}"
    )


def _recipe(card: ModelCard) -> str:
    data, minutes = card.dataset, (card.training_seconds or 0) / 60
    facts = (
        ("photos", f"{printable(data.name or UNKNOWN)}, {data.photos:,}, fingerprint {data.fingerprint[:12]}"),
        ("weights at the start", card.initial_weights or UNKNOWN),
        ("hardware", card.hardware or UNKNOWN),
        ("training time", f"{minutes:.1f} minutes"),
        ("chosen epoch", f"{card.epoch or UNKNOWN} of {card.settings.get('epochs', UNKNOWN)}, by validation"),
        ("created", card.created or UNKNOWN),
        ("versions", ", ".join(f"{name} {version}" for name, version in card.versions.items())),
    )
    notes = "\n".join(f"- {printable(note)}" for note in card.notes)
    settings = table(
        ("setting", "value"), [(key, f"`{printable(str(value))}`") for key, value in card.settings.items()]
    )
    return "\n\n".join(filter(None, [table(("", ""), facts), notes, settings]))


def _use(card: ModelCard) -> str:
    return (
        f"    python -m fashion_core predict {printable(card.name)} photo.jpg\n\n"
        "`model.xml` is the network for OpenVINO: uint8 RGB photos (n, size, size, 3) in, normalised inside, and three "
        "outputs: `logits`, `embedding` and `features`, the last feature map. Its numbers lie in `model.safetensors`, "
        'float16, from which torch trains on: `openvino.Core().read_model("model.xml", "model.safetensors")`. '
        "`evaluation.parquet` holds the names, labels and probabilities of the test "
        "photos, not the photos."
    )
