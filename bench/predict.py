"""What predicting on a CPU costs beside its rivals, as ratios of runs in turn.

    python -m bench.predict                                       all four tables
    python -m bench.predict --only path --models apparel-lite     one table alone

engines   ready pixels → class scores: ours in its precision and in float32, OpenVINO by hand in ours, torch, torch in
          bfloat16, ONNX Runtime
path      a file's bytes → top classes, embedding, heat map, beside the engine alone; and the same with a second pass
          for the heat map
start     a new process → its first answer, beside `import torch` and beside torch's own ResNet-50
large     a JPEG of 48 megapixels, with the grain of a sensor → square pixels, beside Pillow that decodes it whole and
          at an eighth; and what that changes in the answers to eight such photos

All run on `--threads` cores (1), in an order that turns round with each round; figures are medians, ratios those of the
pairs, with the least and the most. With one thread the clock is processor time, which others on the machine change
little; with more it is the clock on the wall. `ours` answers as Predictor does: BUSANA_PRECISION=float32 takes bfloat16
out. ONNX Runtime takes part where onnxruntime, onnx and onnxscript are installed. Prints Markdown.
"""

import argparse
import importlib.metadata
import importlib.util
import io
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from fashion_core import PACKAGE
from fashion_core.models.class_maps import ClassMaps
from fashion_core.models.precision import BFLOAT16, FLOAT32, NATIVE
from fashion_core.models.predictor import BATCH, Predictor, load_explanations, runtime
from fashion_core.models.registry import resolve
from fashion_core.photos import imaging

Engine = Callable[[np.ndarray], np.ndarray]  # uint8 (n, s, s, 3) → class scores (n, k)
ONNX = ("onnxruntime", "onnx", "onnxscript")
TORCH_START = """
import sys, numpy, torch, torchvision
from PIL import Image
from safetensors.torch import load_file
tensors = {name: value.float() for name, value in load_file(sys.argv[1]).items() if value.is_floating_point()}
network = torchvision.models.resnet50(num_classes=len(tensors["fc.bias"])).eval()
network.load_state_dict(tensors, strict=False)
size = int(sys.argv[3])
pixels = numpy.asarray(Image.open(sys.argv[2]).convert("RGB").resize((size, size))).astype("float32") / 255
with torch.inference_mode():
    print(network(torch.from_numpy(pixels).permute(2, 0, 1)[None]).softmax(1).topk(3))
"""


def in_turn(
    work: Mapping[str, Callable[[], object]], rounds: int, clock: Callable[[], float]
) -> dict[str, list[float]]:
    """Seconds of each of `work` in each round; one round goes before, whose figures are forgotten."""
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for number in range(rounds + 1):
        for name in list(work) if number % 2 else reversed(list(work)):
            begun = clock()
            work[name]()
            seconds[name].append(clock() - begun)
    return {name: each[1:] for name, each in seconds.items()}


def ratio(ours: Sequence[float], other: Sequence[float]) -> str:
    """How many times as long the other takes: the median of the pairs, with the least and the most."""
    each = [b / a for a, b in zip(ours, other, strict=True)]
    return f"{statistics.median(each):.2f} ({min(each):.2f} to {max(each):.2f})"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    for row in (head, ["---"] * len(head), *rows):
        print("|", " | ".join(map(str, row)), "|", flush=True)
    print()


def milliseconds(seconds: Sequence[float], photos: int = 1) -> str:
    return f"{1e3 * statistics.median(seconds) / photos:.1f}"


def by_hand(folder: Path, threads: int, precision: str) -> Engine:
    """OpenVINO with its own settings, but for the number of threads and the precision."""
    hint = "bf16" if precision == BFLOAT16 else "f32"
    core, config = runtime().Core(), {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": hint}
    model = core.compile_model(core.read_model(folder / "model.xml", folder / "model.safetensors"), "CPU", config)
    request = model.create_infer_request()

    def run(pixels: np.ndarray) -> np.ndarray:
        request.infer({0: pixels})
        return request.get_tensor("logits").data.copy()

    return run


def torch_engine(folder: Path, threads: int, bfloat16: bool) -> Engine:
    import torch

    from fashion_core.engine import models
    from fashion_core.engine.evaluate import load_network

    torch.set_num_threads(threads)
    network, about = load_network(folder / "model.safetensors")
    flip, normalise = about["config"].get("flip_at_test", False), models.Normalise(network)
    dtype, layout = (torch.bfloat16, torch.channels_last) if bfloat16 else (torch.float32, torch.contiguous_format)
    network = network.to(dtype=dtype, memory_format=layout)

    @torch.inference_mode()
    def run(pixels: np.ndarray) -> np.ndarray:
        inputs = normalise(torch.from_numpy(pixels)).to(dtype=dtype, memory_format=layout)
        return models.scores(network, inputs, flip).float().numpy()

    return run


def onnx_engine(folder: Path, threads: int) -> Engine:
    import onnxruntime
    import torch

    from fashion_core.engine.evaluate import load_network
    from fashion_core.engine.export import Exported

    network, about = load_network(folder / "model.safetensors")
    size, flip = Predictor(folder).card.image_size, about["config"].get("flip_at_test", False)
    whole = Exported(network, len(about["classes"]), flip).eval()
    example = torch.zeros(2, size, size, 3, dtype=torch.uint8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch, "model.onnx")
        torch.onnx.export(whole, (example,), file, dynamic_shapes=({0: torch.export.Dim.DYNAMIC},), verbose=False)
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    name, logits = session.get_inputs()[0].name, session.get_outputs()[0].name
    return lambda pixels: session.run([logits], {name: pixels})[0]


def in_batches(predictor: Predictor, pixels: np.ndarray) -> np.ndarray:
    """Class scores, as `Predictor` goes through many photos."""
    starts = range(0, len(pixels), BATCH)
    return np.concatenate([predictor.predict_pixels(pixels[start : start + BATCH])[0] for start in starts])


def rivals(folder: Path, threads: int) -> dict[str, Engine]:
    """By name, ours first; what cannot take part is told on stderr."""
    predictor = Predictor(folder)
    found: dict[str, Engine] = {"ours": partial(in_batches, predictor)}
    if predictor.precision != FLOAT32:
        found["ours, float32"] = partial(in_batches, Predictor(folder, FLOAT32))
    found["OpenVINO by hand"] = by_hand(folder, threads, predictor.precision)
    if importlib.util.find_spec("torch"):
        found["torch, float32"] = torch_engine(folder, threads, False)
        if NATIVE & set(cpu().split()):
            found["torch, bfloat16, channels last"] = torch_engine(folder, threads, True)
        else:
            print("torch in bfloat16 is left out: this CPU does not compute in it.", file=sys.stderr)
    if all(map(importlib.util.find_spec, (*ONNX, "torch"))):
        found["ONNX Runtime"] = onnx_engine(folder, threads)
    else:
        print(f"ONNX Runtime is left out: pip install {' '.join(ONNX)}", file=sys.stderr)
    return found


def squares(files: Sequence[bytes], size: int) -> np.ndarray:
    return np.stack([imaging.square(imaging.read(data), size) for data in files])


def engines(folder: Path, files: Sequence[bytes], options: argparse.Namespace) -> None:
    pixels = squares(files, Predictor(folder).card.image_size)
    found = rivals(folder, options.threads)
    truth = found["ours"](pixels[: max(options.batches)]).argmax(1)
    rows = []
    for batch in options.batches:
        some = pixels[:batch]
        seconds = in_turn({name: partial(run, some) for name, run in found.items()}, options.rounds, clock(options))
        for name, run in found.items():
            same = int((run(some).argmax(1) == truth[:batch]).sum())
            times = milliseconds(seconds[name], batch), ratio(seconds["ours"], seconds[name])
            rows.append((folder.name, batch, name, *times, f"{same} of {batch}"))
    table(("model", "photos", "engine", "ms a photo", "times ours", "same top class"), rows)


def path(folder: Path, files: Sequence[bytes], options: argparse.Namespace) -> None:
    predictor, explanations = Predictor(folder), load_explanations(folder)
    engine = by_hand(folder, options.threads, predictor.precision)
    maps, size = ClassMaps(predictor), predictor.card.image_size

    def heat(pixels: np.ndarray) -> None:
        for start in range(0, len(pixels), BATCH):
            logits, _, features = predictor.with_features(pixels[start : start + BATCH])
            for row in range(len(logits)):
                maps.of(None if features is None else features[row : row + 1], predictor.ranked(logits[row], 1)[0][0])

    def answer(some: Sequence[bytes]) -> None:
        photos = [imaging.read(data) for data in some]
        for each in predictor.look(photos, explanations):
            predictor.answer(each, 3, explanations)

    rows = []
    for batch in options.batches:
        some = files[:batch]
        pixels = squares(some, size)
        work = {
            "engine alone": partial(engine, pixels),
            "bytes, network, heat map": lambda some=some: heat(squares(some, size)),
            "bytes, network, measured colour, likeness, top classes": partial(answer, some),
            "both, one after the other": lambda some=some: (answer(some), heat(squares(some, size))),
        }
        seconds = in_turn(work, options.rounds, clock(options))
        alone = seconds["engine alone"]
        rows += [(folder.name, batch, name, milliseconds(each, batch), ratio(alone, each))
                 for name, each in seconds.items()]  # fmt: skip
    table(("model", "photos", "what", "ms a photo", "times the engine alone"), rows)


def start(folder: Path, files: Sequence[bytes], options: argparse.Namespace) -> None:
    size = str(Predictor(folder).card.image_size)
    with tempfile.TemporaryDirectory() as scratch:
        photo = Path(scratch, "photo.jpg")
        photo.write_bytes(files[0])
        ours = (sys.executable, "-m", "fashion_core", "predict", folder, photo)
        commands = {"ours": ours}
        if importlib.util.find_spec("torch"):
            commands["import torch"] = (sys.executable, "-c", "import torch")
        if folder.name == "apparel-resnet50" and importlib.util.find_spec("torchvision"):
            rival = (sys.executable, "-c", TORCH_START, folder / "model.safetensors", photo, size)
            commands["torch's own ResNet-50, without calibration, heat map or colour"] = rival
        work = {name: partial(subprocess.run, each, cwd=PACKAGE.parent, check=True, capture_output=True)
                for name, each in commands.items()}  # fmt: skip
        seconds = in_turn(work, options.rounds, clock(options, children=True))
    rows = [(folder.name, name, f"{statistics.median(each):.2f}", ratio(seconds["ours"], each))
            for name, each in seconds.items()]  # fmt: skip
    table(("model", "a new process", "seconds", "times ours"), rows)


def enlarged(data: bytes, side: int) -> bytes:
    """A photo as a JPEG of `side` × 4/3 `side` pixels with grain, without which it would be a fifth of a camera's."""
    with Image.open(io.BytesIO(data)) as photo:
        pixels = np.asarray(photo.convert("RGB").resize((side, side * 4 // 3), Image.Resampling.BICUBIC))
    grain, out = np.random.default_rng(0).normal(0, 6, (512, 512, 1)), io.BytesIO()
    tiled = np.tile(grain, (-(-pixels.shape[0] // 512), -(-pixels.shape[1] // 512), 1))
    pixels = (pixels + tiled[: pixels.shape[0], : pixels.shape[1]].astype(np.int16)).clip(0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(out, "JPEG", quality=90)
    return out.getvalue()


def by_pillow(data: bytes, size: int, shrink: int = 1) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as photo:
        if shrink > 1:
            photo.draft("RGB", (photo.width // shrink, photo.height // shrink))
        return imaging.square(photo.convert("RGB"), size)


def large(folder: Path, files: Sequence[bytes], options: argparse.Namespace) -> None:
    predictor = Predictor(folder)
    size, side = predictor.card.image_size, options.side
    data = enlarged(files[0], side)
    work = {"ours": lambda: squares([data], size), "Pillow, whole": partial(by_pillow, data, size),
            "Pillow, at an eighth": partial(by_pillow, data, size, 8)}  # fmt: skip
    seconds = in_turn(work, options.rounds, clock(options))
    rows = [(folder.name, f"{side * side * 4 / 3e6:.0f}, {len(data) / 1e6:.0f} MB", name, milliseconds(each),
             ratio(seconds["ours"], each)) for name, each in seconds.items()]  # fmt: skip
    table(("model", "megapixels", "bytes to square pixels", "ms", "times ours"), rows)
    some = [enlarged(each, side) for each in files[:8]]
    ours, whole = squares(some, size), np.stack([by_pillow(each, size) for each in some])
    said = [predictor.calibrated(predictor.predict_pixels(pixels)[0]) for pixels in (ours, whole)]
    same, moved = int((said[0].argmax(1) == said[1].argmax(1)).sum()), np.abs(said[0] - said[1]).max()
    print(f"Beside whole decoding: {same} of {len(some)} keep their top class, at most {moved:.4f} of a probability.\n")


def clock(options: argparse.Namespace, children: bool = False) -> Callable[[], float]:
    if options.threads > 1:
        return time.perf_counter
    return (lambda: sum(os.times()[2:4])) if children else time.process_time


def cpu() -> str:
    """What Linux says of the processor; "" elsewhere."""
    file = Path("/proc/cpuinfo")
    return file.read_text() if file.exists() else ""


def machine(threads: int) -> str:
    """What the figures were measured on."""
    name = next((line.split(":")[1].strip() for line in cpu().splitlines() if line.startswith("model name")), "")
    features = [each for each in ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "avx512_vnni") if each in cpu().split()]
    packages = [each for each in ("openvino", "torch", "onnxruntime", "pillow", "numpy")
                if importlib.util.find_spec("PIL" if each == "pillow" else each)]  # fmt: skip
    versions = ", ".join(f"{each} {importlib.metadata.version(each)}" for each in packages)
    timed = "processor time" if threads == 1 else "time by the clock"
    return (f"{name or platform.processor()} ({', '.join(features)}), {threads} of {os.cpu_count()} cores, {timed}; "
            f"Python {platform.python_version()}, {versions}\n")  # fmt: skip


TABLES = {"engines": engines, "path": path, "start": start, "large": large}


def main(options: argparse.Namespace) -> None:
    """Print the tables."""
    if hasattr(os, "sched_setaffinity"):  # for Predictor, which looks, and for the processes that are started
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
    found = sorted((PACKAGE.parent / "examples").glob("*/*.jpg"))
    files = [file.read_bytes() for file in found[:: max(1, len(found) // max(8, *options.batches))]]
    print(machine(options.threads))
    for name in options.only or TABLES:
        for model in options.models:
            TABLES[name](resolve(model), files, options)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["apparel-lite", "apparel-resnet50"])
    parser.add_argument("--only", nargs="+", choices=TABLES, default=[])
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 32])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--side", type=int, default=6000, help="pixels across the large photo, a third less than down")
    main(parser.parse_args())
