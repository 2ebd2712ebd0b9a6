"""Tiny real worlds: photos that any network can tell apart within seconds."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from fashion_core.sample import render

COLOURS = {"green_sock": (40, 160, 60), "red_hat": (190, 40, 40), "white_glove": (230, 230, 230)}


def colours(root: Path, per_class: int = 20, size: int = 40) -> Path:
    """A folder per class, each photo its class's colour with noise of its own (so none is a near-duplicate)."""
    for number, (name, colour) in enumerate(COLOURS.items()):
        (root / name).mkdir(parents=True)
        for index in range(per_class):
            noise = np.random.default_rng([number, index]).normal(0, 45, (size // 4, size // 4, 3))
            pixels = np.clip(np.array(colour) + np.kron(noise, np.ones((4, 4, 1))), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / name / f"{name}_{index:02}.png")
    return root


@dataclass(frozen=True)
class Planted:
    """Sample photos with faults on purpose; every fault by its photo's path relative to `root`."""

    root: Path
    swapped: dict[str, str]  # photo → the label that it should have
    copies: list[tuple[str, str]]  # a training photo and its near-copy in test/ or validation/
    dark: list[str]
    blurred: list[str]
    strangers: list[str]  # no apparel at all


def planted(root: Path, per_class: int = 36, seed: int = 0) -> Planted:
    """The sample set split by folders, with 10 labels swapped, 6 near-copies across the split, 3 dark and 3 blurred
    photos, and 4 that show no apparel."""
    drawn, draw, photos = root.with_name(f"{root.name}-drawn"), np.random.default_rng(seed), []
    render(drawn, per_class, seed=5)
    for file in sorted(drawn.rglob("*.jpg")):
        number = int(file.stem[-3:])
        part = "test" if number % 6 == 0 else "validation" if number % 6 == 1 else "train"
        photos.append(root / part / file.parent.name / file.name)
        photos[-1].parent.mkdir(parents=True, exist_ok=True)
        file.rename(photos[-1])
    photos = [photos[place] for place in draw.permutation(len(photos))]
    names = sorted({photo.parent.name for photo in photos})
    take = iter(photos)

    def path(photo: Path) -> str:
        return str(photo.relative_to(root))

    swapped = {}
    for photo, away in zip(take, [*range(1, 10), 5], strict=False):
        wrong = names[(names.index(photo.parent.name) + away) % len(names)]
        moved = photo.parents[1] / wrong / f"moved_{photo.name}"
        swapped[path(photo.rename(moved))] = photo.parent.name
    copies = []
    trained = (photo for photo in take if photo.parts[-3] == "train")
    for place, photo in zip(range(6), trained, strict=False):
        copy = root / ("test" if place % 2 else "validation") / photo.parent.name / f"copy_{photo.name}"
        image = Image.open(photo)
        image.resize((image.width * 3 // 4, image.height * 3 // 4)).save(copy, quality=60)
        copies.append((path(photo), path(copy)))
    dark, blurred, strangers = [], [], []
    for photo, _ in zip(take, range(3), strict=False):
        Image.open(photo).point(lambda value: value * 0.2).save(photo)
        dark.append(path(photo))
    for photo, _ in zip(take, range(3), strict=False):
        Image.open(photo).filter(ImageFilter.GaussianBlur(9)).save(photo)
        blurred.append(path(photo))
    for place, photo in zip(range(4), take, strict=False):
        stranger = photo.with_name(f"stranger_{place}.jpg")
        _no_apparel(place).save(stranger, quality=95)
        strangers.append(path(stranger))
    return Planted(root, swapped, copies, dark, blurred, strangers)


def _no_apparel(kind: int) -> Image.Image:
    """A chessboard, a page of lines, a sunset, a target."""
    side = np.arange(224)
    x, y = np.meshgrid(side, side)
    away = np.hypot(x - 112, y - 112)
    grey = [((x // 28 + y // 28) % 2) * 255, np.where(y % 16 < 4, 30, 245), 255 - y, (away // 16 % 2) * 255][kind]
    tint = [(1, 1, 1), (1, 1, 1), (1, 0.5, 0.3), (1, 0.2, 0.2)][kind]
    return Image.fromarray((grey[..., None] * np.array(tint)).astype(np.uint8))
