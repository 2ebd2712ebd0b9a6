"""Faults planted on purpose, and how many of them are found: python -m bench.planted [--fresh] [--small] [SEED …]

For every seed (default: 0 1 2 3) a sample set is drawn with faults in it, a small network is trained on it on the CPU,
and what the Labels and Oddities views would list is counted. Prints one JSON object a seed. The network starts from
sample-mobilenet, which has learned other drawings of these classes, all of them right; with --fresh from nothing. With
--small the sets are small and learned from for one epoch: its counts mean nothing, but that it runs is seen.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image, ImageFilter

from fashion_core import runs
from fashion_core.evaluation import label_issues
from fashion_core.evaluation.explanations import FILE, Explanations
from fashion_core.photos import quality
from fashion_core.photos.sample import render

ROOT = Path(__file__).resolve().parents[1]
COMMON = ("architecture=mobilenet_v3_small", "image_size=96", "precision=float32", "device=cpu")
TUNED = (*COMMON, "pretrained=weights/sample-mobilenet/model.safetensors", "epochs=6")
SMALL = (*TUNED, "epochs=1", "image_size=32")
FRESH = (*COMMON, "pretrained=none", "epochs=60", "learning_rate=0.05")


@dataclass(frozen=True)
class Planted:
    """Sample photos with faults on purpose; every fault by its photo's path relative to `root`."""

    root: Path
    swapped: dict[str, str]  # photo → the label that it should have
    copies: list[tuple[str, str]]  # a training photo and its near-copy in test/ or validation/
    dark: list[str]
    blurred: list[str]
    strangers: list[str]  # no apparel at all


def plant(root: Path, per_class: int = 36, seed: int = 1) -> Planted:
    """The sample set split by folders, with 10 labels swapped, 6 near-copies across the split, 3 dark and 3 blurred
    photos, and 4 that show no apparel."""
    draw = np.random.default_rng(seed)
    photos = _split_sample(root, per_class, seed)
    take = iter([photos[place] for place in draw.permutation(len(photos))])
    names = sorted({photo.parent.name for photo in photos})
    swapped = dict(_swap_label(photo, names, away) for photo, away in zip(take, [*range(1, 10), 5], strict=False))
    trained = (photo for photo in take if photo.parts[-3] == "train")
    copies = [
        (photo, _copy_to(photo, root / split))
        for split, photo in zip(("validation", "test") * 3, trained, strict=False)
    ]
    dark = [
        _spoil(photo, lambda image: image.point(lambda value: value * 0.2))
        for photo, _ in zip(take, range(3), strict=False)
    ]
    blurred = [
        _spoil(photo, lambda image: image.filter(ImageFilter.GaussianBlur(9)))
        for photo, _ in zip(take, range(3), strict=False)
    ]
    strangers = []
    for kind, photo in zip(range(4), take, strict=False):
        strangers.append(photo.with_name(f"stranger_{kind}.jpg"))
        _no_apparel(kind).save(strangers[-1], quality=95)

    def paths(files: list[Path]) -> list[str]:
        return [str(file.relative_to(root)) for file in files]

    return Planted(root, {str(photo.relative_to(root)): label for photo, label in swapped.items()},
                   [(original, copy) for original, copy in map(paths, copies)],
                   paths(dark), paths(blurred), paths(strangers))  # fmt: skip


def _split_sample(root: Path, per_class: int, seed: int) -> list[Path]:
    """The sample set drawn into train/, validation/ and test/ of `root`."""
    drawn, photos = root.with_name(f"{root.name}-drawn"), []
    render(drawn, per_class, seed=1000 + seed)
    for file in sorted(drawn.rglob("*.jpg")):
        number = int(file.stem[-3:])
        split = "test" if number % 6 == 0 else "validation" if number % 6 == 1 else "train"
        photos.append(root / split / file.parent.name / file.name)
        photos[-1].parent.mkdir(parents=True, exist_ok=True)
        file.rename(photos[-1])
    return photos


def _swap_label(photo: Path, names: list[str], away: int) -> tuple[Path, str]:
    """Move a photo to the class so many names away; returns it and the label that it should have."""
    wrong = names[(names.index(photo.parent.name) + away) % len(names)]
    return photo.rename(photo.parents[1] / wrong / f"moved_{photo.name}"), photo.parent.name


def _copy_to(photo: Path, split: Path) -> Path:
    """A smaller, coarser copy of a photo in another split."""
    copy = split / photo.parent.name / f"copy_{photo.name}"
    image = Image.open(photo)
    image.resize((image.width * 3 // 4, image.height * 3 // 4)).save(copy, quality=60)
    return copy


def _spoil(photo: Path, change: Callable[[Image.Image], Image.Image]) -> Path:
    change(Image.open(photo)).save(photo)
    return photo


def _no_apparel(kind: int) -> Image.Image:
    """A chessboard, a page of lines, a sunset, a target."""
    side = np.arange(224)
    x, y = np.meshgrid(side, side)
    away = np.hypot(x - 112, y - 112)
    grey = [((x // 28 + y // 28) % 2) * 255, np.where(y % 16 < 4, 30, 245), 255 - y, (away // 16 % 2) * 255][kind]
    tint = [(1, 1, 1), (1, 1, 1), (1, 0.5, 0.3), (1, 0.2, 0.2)][kind]
    return Image.fromarray((grey[..., None] * np.array(tint)).astype(np.uint8))


def learn(planted: Planted, recipe: tuple[str, ...] = TUNED) -> Path:
    """Train on it with this project's own command; returns the folder of the one run in BUSANA_HOME."""
    command = [sys.executable, "-m", "fashion_core", "train", str(planted.root), "--preset", "quick", "--set", *recipe]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (run,) = runs.find()
    return run.folder


def listed(planted: Planted, run: Path) -> dict[str, set[str]]:
    """What the views list: label issues, near-duplicates, each kind of oddity → its photos."""
    evidence = Explanations.load(run / FILE)
    looks = quality.assess_quality(planted.root, evidence.photos["path"].tolist())
    lists = {
        "label issues": label_issues.find_label_issues(label_issues.out_of_fold(evidence))["path"],
        "near-duplicates": evidence.photos["path"][evidence.photos["group"] >= 0],
        "outliers": label_issues.outliers(evidence)["path"],
        **{issue: looks["path"][looks[issue]] for issue in quality.ISSUES},
    }
    return {name: set(paths) for name, paths in lists.items()}


def counted(planted: Planted, lists: dict[str, set[str]]) -> dict[str, dict[str, int]]:
    """For each kind of fault how many were planted, how many its list found, and how many of the list are no fault at
    all; a photo that shows no apparel may be in any list but that of near-duplicates."""
    twins = {path for pair in planted.copies for path in pair}
    faults = twins.union(planted.swapped, planted.dark, planted.blurred, planted.strangers)
    kinds = {
        "swapped labels": ("label issues", set(planted.swapped)), "near-duplicates": ("near-duplicates", twins),
        "dark": ("dark", set(planted.dark)), "blurred": ("blurry", set(planted.blurred)),
    }  # fmt: skip
    found = {
        kind: {"planted": len(paths), "found": len(paths & lists[name]), "false alarms": len(lists[name] - faults)}
        for kind, (name, paths) in kinds.items()
    }
    anywhere = set().union(*(paths for name, paths in lists.items() if name != "near-duplicates"))
    strangers = set(planted.strangers)
    found["no apparel"] = {
        "planted": len(strangers), "found": len(strangers & anywhere),
        "among outliers": len(strangers & lists["outliers"]), "false alarms": len(lists["outliers"] - faults),
    }  # fmt: skip
    return found


def main(seeds: list[int], recipe: tuple[str, ...], per_class: int = 36) -> None:
    """Plant, learn, count."""
    for seed in seeds:
        with TemporaryDirectory() as folder:
            os.environ["BUSANA_HOME"] = folder
            planted = plant(Path(folder) / "photos", per_class, seed)
            found = counted(planted, listed(planted, learn(planted, recipe)))
        print(json.dumps({"seed": seed} | found), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("seeds", nargs="*", type=int, default=[0, 1, 2, 3], metavar="SEED")
    parser.add_argument("--fresh", action="store_true", help="begin with random weights")
    parser.add_argument("--small", action="store_true", help="only to see that it runs")
    options = parser.parse_args()
    main(options.seeds, FRESH if options.fresh else SMALL if options.small else TUNED, 8 if options.small else 36)
