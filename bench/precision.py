"""Whether a model may answer in bfloat16 or int8 instead of float32, and what that would gain.

    python -m bench.precision MODEL DIR…            DIR, or several, holds the photos that MODEL learned from, by class
    python -m bench.precision MODEL DIR… --int8     int8 too, which NNCF makes: pip install nncf

int8 is calibrated on training photos. Of each precision the temperature is fitted on validation photos, and the answers
are compared with those of float32 on test photos. It passes the gate with the same top class on 99.5% of these and an
accuracy lower by at most 0.2 points. Times are of one core, as in bench.predict.
Prints Markdown.
"""

import argparse
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.predict import in_turn, machine, milliseconds, ratio, squares, table
from fashion_core import UserError
from fashion_core.evaluation.explanations import Explanations
from fashion_core.models.predictor import BATCH, Predictor, load_explanations, runtime
from fashion_core.models.registry import resolve
from fashion_core.stats import fit_temperature, softmax

SAME, LOWER = 0.995, 0.002  # the gate: share of the same top class, and by how much accuracy may fall
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


def main(model: str, folders: Sequence[Path], most: int, rounds: int, int8: bool) -> None:
    """Print the two tables."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    folder = resolve(model)
    explanations, size = load_explanations(folder), Predictor(folder).card.image_size
    if explanations is None:
        raise UserError(f"{model} does not say which photos it learned from: publish it again.")
    wanted = {"train": CALIBRATION, "validation": most, "test": most}
    sets = {split: photos(explanations, folders, split, n, size) for split, n in wanted.items()}
    engines = {"float32": compiled(graph(folder), "f32"), "bfloat16": compiled(graph(folder), "bf16")}
    if int8:
        engines["int8"] = compiled(quantised(folder, sets["train"][0]), "f32")
    print(machine(1))
    gate(engines, *sets["validation"], *sets["test"])
    for batch in (1, 32):
        some = sets["test"][0][:batch]
        work = {name: partial(answers, run, some) for name, run in engines.items()}
        seconds = in_turn(work, rounds, time.process_time)
        rows = [(model, batch, name, milliseconds(each, batch), ratio(each, seconds["float32"]))
                for name, each in seconds.items()]  # fmt: skip
        table(("model", "photos", "precision", "ms a photo", "float32 takes times as long"), rows)


def gate(engines: dict[str, Engine], held: np.ndarray, labels: np.ndarray, test: np.ndarray, truth: np.ndarray) -> None:
    """The table of what changes in the answers: `held` are validation photos of `labels`, `test` photos of `truth`."""
    said, rows = {}, []
    for name, run in engines.items():
        temperature = fit_temperature(answers(run, held), labels)
        said[name] = softmax(answers(run, test), temperature)
        top, usual = said[name].argmax(1), said["float32"].argmax(1)
        moved = np.abs(said[name] - said["float32"]).max(1)
        same, right, lower = (
            (top == usual).mean(),
            (top == truth).mean(),
            (usual == truth).mean() - (top == truth).mean(),
        )
        passed = "passes" if same >= SAME and lower <= LOWER else "fails"
        rows.append((name, f"{temperature:.4f}", f"{same:.2%}", f"{right:.2%}", f"{moved.max():.3f}",
                     f"{np.quantile(moved, 0.99):.3f}", passed))  # fmt: skip
    table(("precision", "temperature", f"same top class of {len(test)}", "accuracy", "a probability moved at most",
           "of 99% at most", "gate"), rows)  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("folders", metavar="DIR", nargs="+", type=Path)
    parser.add_argument("--most", type=int, default=10_000, help="validation photos, and test photos, at most")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--int8", action="store_true")
    main(**vars(parser.parse_args()))
