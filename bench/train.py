"""Photos a second in training beside rivals, as ratios of steps in turn; and the memory that it takes.

    python -m bench.train DIR                                                    ResNet-50 at 112 px, on the CPU
    python -m bench.train DIR --architecture efficientnet_lite0
    python -m bench.train DIR --device cuda --size 224 --batch 256 --workers 16 --steps 50
    python -m bench.train DIR --only ours                                        memory alone

usual         torch's tutorial: a DataLoader decodes every JPEG in every epoch; resize and flip; float32
torchvision   its reference recipe's loop: the same, with random crops, label smoothing, and accuracy at every step
synthetic     this network, optimizer and precision on batches that lie in memory ready: what there is to reach
ours          what `train` does: pixels decoded once, crops and flips, the precision that the device computes in

All learn the same classes from random weights with SGD. On the CPU all run on one thread, and the clock is processor
time, which others on the machine change little; on CUDA it is the clock on the wall. Decoding once is told apart.
Memory is what the process had resident at most: before, of torch and the table of photos, and at the end. Prints
Markdown.
"""

import argparse
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F
from torchvision.transforms import v2

from bench.predict import in_turn, machine, ratio, table
from fashion_core.cli.progress import Bars
from fashion_core.engine import models
from fashion_core.engine.augmentation import Augmentation, cropped, cropped_at_once
from fashion_core.engine.device import autocast, choose_precision
from fashion_core.engine.evaluate import rows_of
from fashion_core.engine.recipe import make_optimizer
from fashion_core.engine.training import Photos, Trainer
from fashion_core.photos import dataset
from fashion_core.photos.pixels import decode_photos
from fashion_core.runs.config import TrainConfig

Step = Callable[[], object]
CPU_FLOAT = [v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(models.MEAN, models.STD)]


class Files(torch.utils.data.Dataset):
    """The training photos by their files, as a person would write it."""

    def __init__(self, data: dataset.Dataset, transform: v2.Transform) -> None:
        train = data.photos[data.photos["split"] == "train"]
        self.files = [data.file(path) for path in train["path"]]
        self.labels = [data.classes.index(label) for label in train["label"]]
        self.transform = transform

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, int]:
        return self.transform(Image.open(self.files[row]).convert("RGB")), self.labels[row]


def from_files(data: dataset.Dataset, config: TrainConfig, device: torch.device, workers: int, reference: bool) -> Step:
    """A step of the usual loop; with `reference` of torchvision's."""
    size, (network, optimizer) = (config.image_size,) * 2, fresh(data, config, device)
    shape = v2.RandomResizedCrop(size, antialias=True) if reference else v2.Resize(size, antialias=True)
    files = Files(data, v2.Compose([shape, v2.RandomHorizontalFlip(), *CPU_FLOAT]))
    loader = torch.utils.data.DataLoader(files, config.batch_size, shuffle=True, drop_last=True, num_workers=workers,
                                         pin_memory=device.type == "cuda", persistent_workers=workers > 0)  # fmt: skip
    batches = endless(loader)

    def step() -> None:
        inputs, target = (tensor.to(device, non_blocking=True) for tensor in next(batches))
        outputs = network(inputs)
        loss = F.cross_entropy(outputs, target, label_smoothing=0.1 if reference else 0.0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if reference:
            (outputs.topk(min(5, outputs.shape[1]))[1] == target[:, None]).sum(0).tolist()
        loss.item()

    return step


def endless(loader: torch.utils.data.DataLoader) -> Iterator:
    while True:
        yield from loader


def fresh(data: dataset.Dataset, config: TrainConfig, device: torch.device) -> tuple:
    """A network with random weights and its optimizer."""
    network = models.build(config.architecture, data.classes, config.image_size)[0].to(device).train()
    return network, make_optimizer(network, config, len(data.classes))


def synthetic(data: dataset.Dataset, config: TrainConfig, device: torch.device) -> Step:
    """A step of the network alone, in the precision and layout of ours."""
    network, optimizer = fresh(data, config, device)
    network, (precision, _) = network.to(memory_format=torch.channels_last), choose_precision(device, config.precision)
    inputs = torch.randn(config.batch_size, 3, config.image_size, config.image_size, device=device)
    inputs = inputs.contiguous(memory_format=torch.channels_last)
    target = torch.randint(0, len(data.classes), (config.batch_size,), device=device)

    def step() -> None:
        optimizer.zero_grad()
        with autocast(device, precision):
            outputs = network(inputs).float()
        F.cross_entropy(outputs, target).backward()
        optimizer.step()

    return step


def ours(data: dataset.Dataset, config: TrainConfig, pixels: np.ndarray, scratch: str) -> Step:
    """A step of the engine's own trainer."""
    candidates = (data.photos["label"].to_numpy()[:, None] == np.array(data.classes, object)).astype(bool)
    photos = Photos(pixels, candidates, rows_of(data, "train"), rows_of(data, "validation"), data.classes, "")
    trainer = Trainer(config, photos, Path(scratch), lambda type, **fields: None, bool)

    def step() -> None:
        trainer._train_batch(*divmod(trainer.progress.step, trainer.steps_per_epoch))

    return step


def crops(pixels: np.ndarray, config: TrainConfig, device: torch.device, options: argparse.Namespace) -> str:
    """What the crops and flips of a batch cost both ways; the first is the CPU's, the second CUDA's."""
    rows = np.arange(min(config.batch_size, len(pixels)))
    photos = torch.from_numpy(pixels[rows]).to(device)
    boxes, flipped = Augmentation(config, len(pixels)).draw(0, rows)
    ways: dict[str, Step] = {way.__name__: partial(way, photos, boxes, flipped) for way in (cropped, cropped_at_once)}
    seconds = seconds_of(ways, options)
    each = [1e3 * statistics.median(seconds[name]) / len(rows) / options.steps for name in ways]
    return f"crops and flips: photo by photo {each[0]:.3f} ms a photo, all at once {each[1]:.3f}"


def resident() -> str:
    """What this process had in memory at most so far."""
    unit = 1 if sys.platform == "darwin" else 1024
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20:.0f} MiB"


def seconds_of(work: dict[str, Step], options: argparse.Namespace) -> dict[str, list[float]]:
    """Seconds of `options.steps` steps of each, in turn."""

    def several(name: str) -> None:
        torch.use_deterministic_algorithms(name == "ours", warn_only=True)  # a Trainer sets it for the whole process
        for _ in range(options.steps):
            work[name]()
        if options.device == "cuda":
            torch.cuda.synchronize()

    clock = time.perf_counter if options.device == "cuda" else time.process_time
    return in_turn({name: partial(several, name) for name in work}, options.rounds, clock)


def main(options: argparse.Namespace) -> None:
    """Print the table."""
    device, threads = torch.device(options.device), 1 if options.device == "cpu" else torch.get_num_threads()
    if options.device == "cpu":
        torch.set_num_threads(1)
    bars = Bars()
    data = dataset.load(options.dir, progress=bars)
    config = TrainConfig(architecture=options.architecture, pretrained="none", image_size=options.size, momentum=0.9,
                         batch_size=options.batch, crop_scale=0.5, flip=True, device=options.device)  # fmt: skip
    before, begun = resident(), time.process_time()
    pixels = decode_photos(data, options.size, bars)
    decoded = time.process_time() - begun
    bars.close()
    with tempfile.TemporaryDirectory() as scratch:
        work = {
            "ours": lambda: ours(data, config, pixels, scratch),
            "synthetic": lambda: synthetic(data, config, device),
            "usual": lambda: from_files(data, config, device, options.workers, reference=False),
            "torchvision": lambda: from_files(data, config, device, options.workers, reference=True),
        }
        seconds = seconds_of({name: work[name]() for name in options.only}, options)
    photos = options.steps * options.batch
    print(machine(threads))
    print(f"{options.architecture}, {options.size} px, batches of {options.batch}, {len(data.photos):,} photos, "
          f"{choose_precision(device, 'auto')[0]}\n")  # fmt: skip
    rows = [(name, f"{photos / statistics.median(each):.1f}", ratio(seconds[options.only[0]], each))
            for name, each in seconds.items()]  # fmt: skip
    table(("loop", "photos a second", f"takes times {options.only[0]}"), rows)
    print(crops(pixels, config, device, options))
    print(f"decoding once: {1e3 * decoded / len(data.photos):.2f} ms a photo (nothing, where they were decoded before)")
    print(f"resident at most: {before} before, {resident()} at the end; the pixels on disk are "
          f"{pixels.nbytes / 2**20:.0f} MiB, of which the system keeps in memory what has room\n")  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", type=Path, help="a folder per class")
    parser.add_argument("--architecture", default="resnet50")
    parser.add_argument("--size", type=int, default=112)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=2, help="of each loop in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=0, help="processes of the rivals' DataLoader")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--only", nargs="+", default=["ours", "synthetic", "usual", "torchvision"])
    main(parser.parse_args())
