"""From photos to calibrated confidences with a published model, on OpenVINO: no torch is loaded.

    predictor = Predictor(resolve("apparel-resnet50"))
    predictor.top(imaging.read("shoe.jpg"), k=3)        # [("black_shoes", 0.98), …]

A model folder (weights/<name>/ or runs/<id>/model/) holds card.json, the graph model.xml and the weights that it points
into: model.safetensors, or the model.bin of an earlier version. The network takes uint8 photos (n, size, size, 3) and
normalises inside; of its outputs, `logits` (n, classes), `embedding` (n, d) and `features` (n, c, h, w) are used.
"""

import hashlib
import os
import re
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from fashion_core import UserError
from fashion_core.class_names import factors
from fashion_core.evaluation.explanations import FILE, Explanations
from fashion_core.evaluation.states import UNLIKE, Judgement, State, States, judge
from fashion_core.models import precision
from fashion_core.models.card import ModelCard
from fashion_core.models.precision import BFLOAT16, FLOAT32
from fashion_core.photos import garment_colour, imaging
from fashion_core.photos.garment_colour import UNSURE, Colour
from fashion_core.photos.imaging import printable
from fashion_core.runs import LIVE, Run
from fashion_core.stats import softmax

BATCH = 8  # photos a pass: more is no faster on a CPU, and only holds more memory
MAX_THREADS = 8  # one photo gains nothing from more
HEADER_MARK = "safetensors_header"  # in model.xml: the `header_digest` of the weights that its offsets are of


class Seen(NamedTuple):
    """What a model makes of one photo: calibrated `probabilities` (classes,), the `embedding` (d,) that its head read,
    the garment's measured colour; and beside what was learned, where that is known: the out-of-distribution score, and
    whether that colour is strange."""

    probabilities: np.ndarray
    embedding: np.ndarray
    colour: Colour
    distance: float = 0.0
    strange_colour: bool = False


class Predictor:
    """A model compiled for this CPU, which answers in `precision`; `why` is as of `precision.choose`. One may be shared
    by all threads: they take turns at the network."""

    def __init__(self, folder: Path, wanted: str = ""):
        """`wanted`: "float32" for answers that are the same on every machine, else as the setting has it."""
        self.folder = Path(folder)
        self.card = ModelCard.read(self.folder)
        self.classes = self.card.classes
        card, name = self.card, printable(self.card.name)
        self.precision, self.why = precision.choose(name, card.precisions, wanted, card.states)
        compiled = _compiled(self.folder, len(self.classes), self.precision)
        if self.precision == BFLOAT16 and compiled.get_property("INFERENCE_PRECISION_HINT") != runtime().Type.bf16:
            self.precision, self.why = FLOAT32, precision.no_bfloat16(name)  # OpenVINO's last word
        self._outputs = {name for output in compiled.outputs for name in output.names}
        self._request = compiled.create_infer_request()
        self._turn = threading.Lock()

    def __call__(self, images: Sequence[Image.Image]) -> np.ndarray:
        """Calibrated probabilities, float32 (n, classes); each row sums to 1."""
        return self.predict_with_embeddings(images)[0]

    def predict_with_embeddings(self, images: Sequence[Image.Image]) -> tuple[np.ndarray, np.ndarray]:
        """The same, and the embeddings that the head read, float32 (n, d), from one pass; d is 0 where it has none."""
        logits, embeddings = self.raw(images)
        return self.calibrated(logits), embeddings

    @property
    def limits(self) -> States | None:
        """Those of what it calls sure and outside, chosen on answers in its precision; None where it has none."""
        measured = self.card.precisions.get(self.precision)
        return measured.states if measured else self.card.states

    def calibrated(self, logits: np.ndarray) -> np.ndarray:
        """Logits of its own (n, k) as probabilities, float32 (n, k), by the temperature of its precision."""
        measured = self.card.precisions.get(self.precision)
        return softmax(logits, measured.temperature if measured else self.card.temperature)

    def raw(self, images: Sequence[Image.Image]) -> tuple[np.ndarray, np.ndarray]:
        """What the network puts out: logits, float32 (n, k), and embeddings, float32 (n, d)."""
        if not images:
            return np.empty((0, len(self.classes)), np.float32), np.empty((0, 0), np.float32)
        passes = [self.predict_pixels(self._squares(some)) for some in _batches(images)]
        logits, embeddings = (np.concatenate(parts) for parts in zip(*passes, strict=True))
        return logits, embeddings

    def top(self, image: Image.Image, k: int) -> list[tuple[str, float]]:
        """The `k` likeliest classes, likeliest first."""
        return self.ranked(self([image])[0], k)

    def ranked(self, probabilities: np.ndarray, k: int) -> list[tuple[str, float]]:
        """One row of probabilities as its `k` likeliest (label, probability), likeliest first."""
        return [(self.classes[i], float(probabilities[i])) for i in np.argsort(-probabilities, kind="stable")[:k]]

    def look(self, images: Sequence[Image.Image], explanations: Explanations | None) -> list[Seen]:
        """All that is known of each photo; without `explanations` nothing of what it is like."""
        found: list[Seen] = []
        for some in _batches(images):
            pixels = self._squares(some)
            logits, embeddings = self.predict_pixels(pixels)
            colours = [*map(garment_colour.measure, pixels)]
            found += seen(self.calibrated(logits), embeddings, colours, explanations)
        return found

    def judge(self, seen: Seen, explanations: Explanations | None) -> Judgement:
        """How far the answer can be believed, by the card's limits; where it has none, nothing is sure, and outside is
        what is less like the training photos than 98% of the validation photos."""
        limits, measured = self.limits or States(), self.card.precisions.get(self.precision)
        if limits.far is None and explanations is not None:
            own = measured.ood_threshold if measured else None
            if seen.distance > (explanations.ood_threshold if own is None else own):
                return Judgement(State.OUTSIDE, UNLIKE)
        return judge(limits, self.classes, seen.probabilities, seen.distance, seen.strange_colour)

    def answer(self, seen: Seen, k: int, explanations: Explanations | None) -> dict[str, Any]:
        """As JSON has it: `top`, the `k` likeliest classes; `state`; and `warning`, its words or None."""
        state, words = self.judge(seen, explanations)
        top = [{"label": name, "probability": share} for name, share in self.ranked(seen.probabilities, k)]
        return {"top": top, "state": str(state), "warning": words or None}

    def _squares(self, images: Sequence[Image.Image]) -> np.ndarray:
        """As `predict_pixels` takes them."""
        return np.stack([imaging.square(image, self.card.image_size) for image in images])

    def predict_pixels(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As `raw`, in one pass, of photos that are squares already: uint8 (n, s, s, 3), s the card's image_size."""
        logits, embeddings = self._pass(pixels, "logits", "embedding")
        return logits, embeddings

    def with_features(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """The same, and of the same pass the last feature maps, float32 (n, c, h, w); None where it has none."""
        logits, embeddings, features = self._pass(pixels, "logits", "embedding", "features")
        return logits, embeddings, features if "features" in self._outputs else None

    def _pass(self, pixels: np.ndarray, *names: str) -> list[np.ndarray]:
        """The outputs of those names; (n, 0) for one that the network has not."""
        with self._turn:  # one request, so that memory stays the same under load; its answer is copied out in the turn
            self._request.infer({0: pixels})
            return [
                self._request.get_tensor(name).data.copy()
                if name in self._outputs
                else np.empty((len(pixels), 0), np.float32)
                for name in names
            ]


def load_explanations(folder: Path) -> Explanations | None:
    """Those of the model in `folder`; None where it has none (`why_unexplained`)."""
    return Explanations.load(folder / FILE) if (folder / FILE).exists() else None


def why_unexplained(folder: Path) -> str:
    """Why the model in `folder` has no explanations, and how to get them, as a sentence or two."""
    folder = folder.resolve()
    run = next((Run(each) for each in (folder, folder.parent) if (each / "events.jsonl").exists()), None)
    state = run.state if run else "finished"
    if run is None or state == "finished":
        return "This model has no heat maps, similar photos or measured colours. Train or publish it again to get them."
    name = printable(run.id)
    what = f"The heat maps, similar photos and measured colours of {name}"
    if state in LIVE:
        return f"{what} are still being gathered: the Train page shows how far."
    return (
        f"{what} were not gathered to the end: resume it on the Train page, or by "
        f"python -m fashion_core train --resume {name}."
    )


def predict_files(
    predictor: Predictor, paths: Sequence[Path | str], k: int, explanations: Explanations | None = None
) -> Iterator[dict[str, Any]]:
    """For each path in turn: `{"path", "top": [{"label", "probability"}], "state": "sure", "check" or "outside",
    "error": reason or None, "warning": sentence or None}`; of a bad photo the state is None."""
    for some in _batches(paths):
        opened = [_read(path) for path in some]
        rows = iter(predictor.look([photo for photo in opened if isinstance(photo, Image.Image)], explanations))
        for path, photo in zip(some, opened, strict=True):
            if isinstance(photo, imaging.BadPhoto):
                yield {"path": str(path), "top": [], "state": None, "error": str(photo), "warning": None}
            else:
                yield {"path": str(path), "error": None} | predictor.answer(next(rows), k, explanations)


def seen(
    probabilities: np.ndarray, embeddings: np.ndarray, colours: Sequence[Colour], explanations: Explanations | None
) -> list[Seen]:
    """Photos with calibrated probabilities (n, classes), embeddings (n, d) and n measured colours, beside what was
    learned. A colour that may not be the garment's is never strange."""
    distances, strange = np.zeros(len(colours)), np.zeros(len(colours), bool)
    if explanations is not None and colours:
        if embeddings.size:
            distances = explanations.ood_score(embeddings)
        if factors(explanations.classes) is not None:
            measured = np.array(colours)
            strange = explanations.colour_ood_score(measured) > explanations.colour_ood_threshold
            strange &= np.array([colour.uncertainty < UNSURE for colour in colours])
    rows = zip(probabilities, embeddings, colours, distances.tolist(), strange.tolist(), strict=True)
    return [Seen(*row) for row in rows]


def runtime() -> ModuleType:
    """OpenVINO, imported on first use and without its telemetry, which would report each import to its makers."""
    # None there is Python's way to say that a module cannot be imported.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # it then falls back to the stub that it brings along
    try:
        import openvino
    except ImportError as error:
        raise UserError(f"OpenVINO cannot be loaded ({error}): run `pip install -r requirements.txt`.") from None
    return openvino


def _compiled(folder: Path, classes: int, wanted: str) -> Any:
    """The network compiled for the CPU, to compute in the precision `wanted`."""
    file, weights = folder / "model.xml", folder / "model.bin"
    if not weights.is_file():
        weights = folder / "model.safetensors"
    for needed in (weights, file):
        if not needed.is_file():
            raise UserError(f"{printable(needed)} is missing: train or publish the model again.")
    name, core = printable(file), runtime().Core()
    config = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "bf16" if wanted == BFLOAT16 else "f32",
        "INFERENCE_NUM_THREADS": min(cpus(), MAX_THREADS),
    }
    try:
        _refuse_other_weights(file, weights)
        compiled = core.compile_model(core.read_model(file, weights), "CPU", config)
        answers = compiled.output("logits").partial_shape[1]
    except RuntimeError as error:
        cause = str(error).strip().splitlines()[-1]
        raise UserError(f"{name} cannot be loaded ({cause}): train or publish the model again.") from None
    if answers != classes:
        raise UserError(f"{name} answers {answers} classes and its card names {classes}: publish the model again.")
    return compiled


def _refuse_other_weights(file: Path, weights: Path) -> None:
    """UserError where the offsets in the graph `file` are not those of `weights`: its answers would be wrong."""
    found = re.search(rf'<{HEADER_MARK} value="(\w+)"', file.read_text("utf-8"))
    meant = found[1] if found else None
    if meant != (header_digest(weights) if weights.suffix == ".safetensors" else None):
        raise UserError(
            f"{printable(file)} was made for other weights than {weights.name} beside it: bring both back from "
            "one copy, or train or publish the model again."
        )


def read_header(file: Path) -> bytes:
    """What comes before the numbers in a safetensors file: eight bytes for the length of the JSON, and that JSON."""
    with file.open("rb") as stream:
        length = stream.read(8)
        return length + stream.read(min(int.from_bytes(length, "little"), file.stat().st_size))


def header_digest(file: Path) -> str:
    """Which tensors lie where in a safetensors file, and what they are of, as a SHA-256."""
    return hashlib.sha256(read_header(file)).hexdigest()


def cpus() -> int:
    """The CPUs that this process may use, which in a container are fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _read(path: Path | str) -> Image.Image | imaging.BadPhoto:
    try:
        return imaging.read(path)
    except imaging.BadPhoto as error:
        return error


def _batches(items: Sequence) -> Iterator[Sequence]:
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))
