"""Whether a model may answer in bfloat16 or int8 instead of float32, and what that would gain.

    python -m bench.precision MODEL DIR…                   DIR, or several, holds the photos that MODEL learned from
    python -m bench.precision MODEL DIR… --int8            int8 too, which NNCF makes: pip install nncf
    python -m bench.precision MODEL DIR… --write PHOTOS    and keep in the card that bfloat16 passed

int8 is calibrated on training photos. The card has float32's temperature, the others' are fitted on validation photos;
then the answers to test photos are compared. A precision passes the gate with the same top class on 99.5% of these and
an accuracy lower by at most 0.2 points. Times are of one core, as in bench.predict. --write chooses the limits of sure,
check and outside on bfloat16's own answers to PHOTOS, as bench.states does, and needs a CPU that computes in it.
Prints Markdown.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench import states
from bench.predict import in_turn, machine, milliseconds, ratio, squares, table
from fashion_core import UserError
from fashion_core.evaluation.explanations import Explanations, ood_limit
from fashion_core.files import write_text
from fashion_core.models.card import FILE, ModelCard
from fashion_core.models.precision import BFLOAT16, FLOAT32, Measured, native, no_bfloat16
from fashion_core.models.predictor import BATCH, Predictor, load_explanations, runtime
from fashion_core.models.registry import resolve
from fashion_core.reports import model_readme
from fashion_core.stats import fit_temperature, softmax

CALIBRATION, SEED = 300, 0  # training photos
Engine = Callable[[np.ndarray], np.ndarray]  # uint8 (n, s, s, 3) → logits (n, k)


def compiled(model: Any, precision: str) -> Engine:
    """The graph on one core; what is already int8 goes on in float32 between its quantised layers."""
    config = {"INFERENCE_NUM_THREADS": 1, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision}
    request = runtime().Core().compile_model(model, "CPU", config).create_infer_request()

    def run(pixels: np.ndarray) -> np.ndarray:
        request.infer({0: pixels})
        return request.get_tensor("logits").data.copy()

    return run


def graph(folder: Path) -> Any:
    return runtime().Core().read_model(folder / "model.xml", folder / "model.safetensors")


def quantised(folder: Path, pixels: np.ndarray) -> Any:
    """The graph in int8 where NNCF finds that it can be, by the ranges seen in training photos (n, s, s, 3)."""
    import nncf

    return nncf.quantize(graph(folder), nncf.Dataset(list(pixels[:, None])), subset_size=len(pixels),
                         preset=nncf.QuantizationPreset.MIXED)  # fmt: skip


def photos(
    explanations: Explanations, folders: Sequence[Path], split: str, most: int, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """The squares of a split, uint8 (n, s, s, 3), and the numbers of their classes (n,); of many, `most` by chance."""
    rows = explanations.photos[explanations.photos["split"] == split]
    rows = rows.sample(min(most, len(rows)), random_state=SEED)
    files = [next((folder / path for folder in folders if (folder / path).is_file()), None) for path in rows["path"]]
    if None in files:
        raise UserError(f"{rows['path'].iloc[files.index(None)]} lies in none of those folders: name them all.")
    return (squares([file.read_bytes() for file in files if file], size),
            rows["label"].map(explanations.classes.index).to_numpy())  # fmt: skip


def answers(engine: Engine, pixels: np.ndarray) -> np.ndarray:
    return np.concatenate([engine(pixels[start : start + BATCH]) for start in range(0, len(pixels), BATCH)])


def main(model: str, folders: Sequence[Path], most: int, rounds: int, int8: bool, write: Path | None) -> None:
    """Print the tables; with `write` keep what bfloat16 reached in the card. UserError where it may not be kept."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    folder = resolve(model)
    card, explanations = ModelCard.read(folder), load_explanations(folder)
    if explanations is None:
        raise UserError(f"{model} does not say which photos it learned from: publish it again.")
    if write and not native():
        raise UserError(no_bfloat16(card.name))
    wanted = {"train": CALIBRATION, "validation": most, "test": most}
    sets = {split: photos(explanations, folders, split, n, card.image_size) for split, n in wanted.items()}
    engines = {FLOAT32: compiled(graph(folder), "f32"), BFLOAT16: compiled(graph(folder), "bf16")}
    if int8:
        engines["int8"] = compiled(quantised(folder, sets["train"][0]), "f32")
    print(machine(1))
    temperatures = {name: fit_temperature(answers(run, sets["validation"][0]), sets["validation"][1])
                    for name, run in engines.items() if name != FLOAT32}  # fmt: skip
    temperatures[FLOAT32] = card.temperature
    found = gate(engines, temperatures, *sets["test"])
    for batch in (1, 32) if rounds else ():
        times(model, engines, sets["test"][0][:batch], rounds)
    if write:
        keep(folder, found[BFLOAT16], write, sets["validation"][0])


def gate(
    engines: dict[str, Engine], temperatures: dict[str, float], pixels: np.ndarray, truth: np.ndarray
) -> dict[str, Measured]:
    """What changes in the answers to test photos uint8 (n, s, s, 3) of classes int (n,), printed as a table too."""
    said = {name: softmax(answers(run, pixels), temperatures[name]) for name, run in engines.items()}
    instructions = " ".join(sorted(native()))
    usual, found, rows = said[FLOAT32].argmax(1), {}, []
    for name, probabilities in said.items():
        top, moved = probabilities.argmax(1), np.abs(probabilities - said[FLOAT32]).max(1)
        each = found[name] = Measured(
            temperatures[name], len(truth), int((top == usual).sum()), int((top == truth).sum()),
            int((usual == truth).sum()), float(moved.max()), float(np.quantile(moved, 0.99)), cpu=instructions,
        )  # fmt: skip
        rows.append((name, f"{each.temperature:.4f}", f"{each.same:,}", f"{each.right:,}", f"{each.moved:.3f}",
                     f"{each.moved_99:.3f}", "passes" if each.passes else "fails"))  # fmt: skip
    table(("precision", "temperature", f"same top class of {len(truth):,}", "right", "a probability moved at most",
           "of 99% at most", "gate"), rows)  # fmt: skip
    return found


def times(model: str, engines: dict[str, Engine], pixels: np.ndarray, rounds: int) -> None:
    """The table of what each precision takes for these photos."""
    seconds = in_turn({name: partial(answers, run, pixels) for name, run in engines.items()}, rounds, time.process_time)
    rows = [(model, len(pixels), name, milliseconds(each, len(pixels)), ratio(each, seconds[FLOAT32]))
            for name, each in seconds.items()]  # fmt: skip
    table(("model", "photos", "precision", "ms a photo", "float32 takes times as long"), rows)


def keep(folder: Path, found: Measured, home: Path, pixels: np.ndarray) -> None:
    """Write what bfloat16 reached into the card. Where that has limits for float32, bfloat16 gets its own by the same
    rule, on its answers to the photos in `home`; else the out-of-distribution score that few validation photos pass,
    `pixels` uint8 (n, s, s, 3)."""
    if not found.passes:
        raise UserError("bfloat16 did not pass the gate: the card stays as it is.")
    with tempfile.TemporaryDirectory() as scratch:  # the same model, with a card that lets it answer so
        for file in folder.iterdir():
            if file.name != FILE:
                Path(scratch, file.name).symlink_to(file.resolve())
        card = ModelCard.read(folder)
        replace(card, precisions={BFLOAT16: found}).write(Path(scratch))
        predictor = Predictor(Path(scratch), BFLOAT16)
        if predictor.precision != BFLOAT16:
            raise UserError(predictor.why)
        found = with_limits(found, predictor, home, pixels)
    replace(card, precisions={BFLOAT16: found}).write(folder)
    if (folder / model_readme.FILE).is_file():
        write_text(folder / model_readme.FILE, model_readme.rewritten(folder))


def with_limits(found: Measured, predictor: Predictor, home: Path, pixels: np.ndarray) -> Measured:
    """As `keep` has it."""
    if predictor.card.states is not None:
        return replace(found, states=states.choose(predictor, home))
    explanations = load_explanations(predictor.folder)
    passes = [predictor.predict_pixels(pixels[start : start + BATCH])[1] for start in range(0, len(pixels), BATCH)]
    embeddings = np.concatenate(passes)
    if explanations is None or not embeddings.size:
        return found
    return replace(found, ood_threshold=ood_limit(explanations.ood_score(embeddings)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("folders", metavar="DIR", nargs="+", type=Path)
    parser.add_argument("--most", type=int, default=10_000, help="validation photos, and test photos, at most")
    parser.add_argument("--rounds", type=int, default=5, help="of the times; 0 takes none")
    parser.add_argument("--int8", action="store_true")
    parser.add_argument("--write", metavar="PHOTOS", type=Path, help="a copy of clothing-dataset-small")
    try:
        main(**vars(parser.parse_args()))
    except UserError as error:
        sys.exit(str(error))
