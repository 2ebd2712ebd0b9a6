"""Choose from when on a model calls an answer sure: python -m bench.states MODEL PHOTOS

PHOTOS is a copy of clothing-dataset-small (CC0) with its train/ and validation/. The limits are chosen on its photos
that no published model was trained on (docs/review/home-photos.csv) and that are no example and no near-duplicate of
one; articles that the model does not know are among them, and are wrong whatever they are called. Only their garment is
labelled; the colour's limit is chosen on the model's validation photos. What the limits are worth is then measured on
examples/, whose photos have a colour too and took no part in choosing.

Writes `states` into the model's card.json, and the table of all models that have it into docs/results.md.
"""

import csv
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from fashion_core import UserError
from fashion_core.class_names import COLOUR, GARMENT, factors, marginalise, split_names
from fashion_core.evaluation import states
from fashion_core.evaluation.evaluation import EPOCHS, Evaluation
from fashion_core.evaluation.states import State, States
from fashion_core.files import write_text
from fashion_core.models import near_duplicates
from fashion_core.models.card import ModelCard
from fashion_core.models.precision import FLOAT32
from fashion_core.models.predictor import Predictor, load_explanations
from fashion_core.models.registry import models, resolve
from fashion_core.photos import examples, imaging
from fashion_core.stats import between

ROOT = Path(__file__).resolve().parents[1]
SHIRTS = ("t-shirt", "longsleeve")  # what the models call a shirt
BEGIN, END = "<!-- states: python -m bench.states MODEL PHOTOS -->", "<!-- end of states -->"


class Answers(NamedTuple):
    """Of n photos: calibrated probabilities (n, classes), distances (n,), whether each colour is strange, bool (n,)."""

    probabilities: np.ndarray
    distances: np.ndarray
    strange: np.ndarray


def held_back(photos: Path, predictor: Predictor, shipped: list[Path]) -> list[Path]:
    """The photos to choose on. UserError where PHOTOS holds none."""
    used = {row["photo"] for row in _rows(ROOT / "docs/review/home-photos.csv")}
    used |= {row["source"] for row in _rows(ROOT / "examples/labels.csv")}
    files = [file for file in sorted(photos.glob("*/*/*.jpg")) if file.relative_to(photos).as_posix() not in used]
    if not files:
        raise UserError(f"{photos} holds no photo that is held back: give a copy of clothing-dataset-small.")
    both = files + shipped
    table = pd.DataFrame({"path": [str(file.resolve()) for file in both], "group": -1})
    pairs, _ = near_duplicates.find(photos, table, predictor)
    like = {int(min(pair)) for pair in pairs if max(pair) >= len(files) > min(pair)}
    return [file for place, file in enumerate(files) if place not in like]


def answers(predictor: Predictor, files: list[Path]) -> Answers:
    """What the model says of these photos."""
    explanations = load_explanations(predictor.folder)
    found = [predictor.look([imaging.read(file)], explanations)[0] for file in files]
    return Answers(
        np.array([each.probabilities for each in found]), np.array([each.distance for each in found]),
        np.array([each.strange_colour for each in found]),
    )  # fmt: skip


def judged(limits: States, classes: tuple[str, ...], given: Answers) -> list[State]:
    return [states.judge(limits, classes, *one).state for one in zip(*given, strict=True)]


def colour_limit(model: Path, card: ModelCard) -> float:
    """From when on the colour is sure, by the answers to validation photos after the epoch that was kept, before they
    are calibrated: docs/results.md says what that comes to afterwards. UserError: at nothing."""
    validated = Evaluation.load(model / EPOCHS / f"{card.epoch:04}.parquet")
    colours, shares = marginalise(validated.probabilities, card.classes, COLOUR)
    true = np.array([colour for colour, _ in split_names(card.classes) or ()])[validated.truth]
    limit = states.sure_limit(shares.max(1), np.array(colours)[shares.argmax(1)] == true, states.COLOUR_RIGHT)
    if limit is None:
        raise UserError(f"The colour of {card.name} is right too rarely on its validation photos to be called sure.")
    return limit


def choose(predictor: Predictor, photos: Path) -> States:
    """The limits for the precision that `predictor` answers in, and what they are worth."""
    root, card, taken = examples.folder(), predictor.card, examples.table()
    if root is None or factors(card.classes) is None:
        raise UserError("The limits are measured on examples/, by colour and garment: this model or folder has none.")
    shipped = [root / path for path in taken["path"]]
    files = held_back(photos, predictor, shipped)
    home, people = answers(predictor, files), answers(predictor, shipped)
    garments, shares = marginalise(home.probabilities, card.classes, GARMENT)
    true = np.array(["shirt" if file.parent.name in SHIRTS else file.parent.name for file in files])
    right, known = np.array(garments)[shares.argmax(1)] == true, np.isin(true, garments)
    sure = states.sure_limit(shares.max(1), right)
    far = states.far_limit(home.distances[known])
    chosen = States(sure, far, sure_colour=colour_limit(predictor.folder, card))
    named = np.array(card.classes)[people.probabilities.argmax(1)]
    label = taken["label"].to_numpy(str)
    return replace(
        chosen,
        held_back=states.counted(judged(chosen, card.classes, home), right, known),
        people=states.counted(judged(chosen, card.classes, people), named == label, np.isin(label, card.classes)),
    )


def table() -> str:
    """Markdown: of every published model that has limits, what they are worth."""
    lines = [BEGIN, "| model | sure from | state | held-back photos: garment right | people's photos: class right |",
             "|---|---|---|---|---|"]  # fmt: skip
    for card in (ref.card for ref in models(ROOT) if ref.published and not ref.problem):
        if card.states:
            garment, colour = card.states.sure, card.states.sure_colour
            sure = "no confidence" if garment is None else f"garment {garment:.1%}, colour {colour:.1%}"
            for state in State:
                cells = [_cell(part.get(state)) for part in (card.states.held_back, card.states.people)]
                lines.append(f"| `{card.name}` | {sure} | {states.NAMES[state]} | {cells[0]} | {cells[1]} |")
    return "\n".join([*lines, END])


def _cell(found: states.Counted | None) -> str:
    if not found or not found.n:
        return "none"
    unknown = f"; {found.unknown} of them of classes it does not have" if found.unknown else ""
    return f"{found.right:,} of {found.n:,} ({between(found.right, found.n)}){unknown}"


def _rows(file: Path) -> Iterator[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)


def main(model: str, photos: str) -> None:
    """Write the card and the table."""
    folder = resolve(model)
    chosen = choose(Predictor(folder, FLOAT32), Path(photos))
    replace(ModelCard.read(folder), states=chosen).write(folder)
    results = ROOT / "docs" / "results.md"
    before, _, rest = results.read_text("utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    if not after:
        raise UserError(f"docs/results.md has no block from {BEGIN} to {END}.")
    write_text(results, before + table() + after)
    print(table())


if __name__ == "__main__":
    try:
        main(*sys.argv[1:3])
    except UserError as error:
        sys.exit(str(error))
