"""Random crops and flips, each photo its own in each epoch. No hue jitter: it changes the label.

They are drawn by seed, epoch and row alone, so a photo gets the same crop in whatever batch and process it comes.
"""

import math

import numpy as np
import torch
from torchvision.transforms.v2 import functional

from fashion_core.runs.config import TrainConfig

TRIES = 10  # at a crop that fits into the photo, as torchvision's RandomResizedCrop has it
RATIO = (3 / 4, 4 / 3)  # of a crop's width to its height
DRAWS = 2 * TRIES + 3  # of a photo and epoch: area and shape of each try, top, left, flip


class Augmentation:
    """The crops and flips of a recipe, of `photos` rows."""

    def __init__(self, config: TrainConfig, photos: int) -> None:
        self.config, self.photos = config, photos
        self._drawn: tuple[int, np.ndarray] = (-1, np.empty(0))

    def draw(self, epoch: int, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The crop of each of `rows`, int64 (b, 4) of top, left, height, width, and whether it is flipped, bool (b)."""
        if self._drawn[0] != epoch:
            random = np.random.default_rng([self.config.seed, epoch, 2])
            self._drawn = epoch, random.random((self.photos, DRAWS), np.float32)
        drawn = self._drawn[1][rows].astype(np.float64)
        return crops(drawn, self.config.image_size, self.config.crop_scale), drawn[:, -1] < 0.5

    def __call__(self, pixels: torch.Tensor, epoch: int, rows: np.ndarray) -> torch.Tensor:
        """`pixels` of `rows`, uint8 (b, s, s, 3), cropped and flipped as the recipe says."""
        if self.config.crop_scale == 1 and not self.config.flip:
            return pixels
        boxes, flipped = self.draw(epoch, rows)
        crop = cropped_at_once if pixels.is_cuda else cropped  # on a CPU that takes three times as long: bench/train.py
        return crop(pixels, boxes, flipped & self.config.flip)


def crops(drawn: np.ndarray, size: int, smallest: float) -> np.ndarray:
    """Boxes int64 (b, 4) of top, left, height, width in a photo of `size`, by uniform numbers `drawn` (b, DRAWS).

    As torchvision's RandomResizedCrop: an area from `smallest` to 1, a shape from RATIO, the first of TRIES that fits,
    the whole photo where none does.
    """
    area = size * size * (smallest + (1 - smallest) * drawn[:, :TRIES])
    low, high = map(math.log, RATIO)
    ratio = np.exp(low + (high - low) * drawn[:, TRIES : 2 * TRIES])
    sides = np.stack([np.sqrt(area / ratio), np.sqrt(area * ratio)], axis=2).round().astype(np.int64)
    fits = sides.max(axis=2) <= size
    sides = np.maximum(sides[np.arange(len(drawn)), fits.argmax(axis=1)], 1)
    sides[fits.sum(axis=1) == 0] = size
    corners = (drawn[:, 2 * TRIES : 2 * TRIES + 2] * (size - sides + 1)).astype(np.int64)
    return np.concatenate([corners, sides], axis=1)


def cropped(pixels: torch.Tensor, boxes: np.ndarray, flipped: np.ndarray) -> torch.Tensor:
    """Each photo's box at the size of the whole photo, mirrored where `flipped`; uint8 (b, s, s, 3)."""
    done = []
    for photo, box, flip in zip(pixels.permute(0, 3, 1, 2), boxes.tolist(), flipped, strict=True):
        crop = functional.resized_crop(photo, *box, list(photo.shape[1:]), antialias=True)
        done.append(crop.flip(2) if flip else crop)
    return torch.stack(done).permute(0, 2, 3, 1)


def cropped_at_once(pixels: torch.Tensor, boxes: np.ndarray, flipped: np.ndarray) -> torch.Tensor:
    """The same for all photos at once, on their device: bilinear, within the box, to the nearest of 256 levels."""
    size, device = pixels.shape[1], pixels.device
    box = torch.from_numpy(boxes).to(device, non_blocking=True)
    mirror = torch.from_numpy(flipped).to(device, non_blocking=True)
    steps = torch.arange(size, device=device)
    across = torch.where(mirror[:, None], size - 1 - steps, steps)
    photo = torch.arange(len(pixels), device=device)[:, None]

    def between(
        start: torch.Tensor, length: torch.Tensor, steps: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Of each output pixel the two of the photo that it lies between, and how near the second it is."""
        at = ((steps + 0.5) * (length[:, None] / size) - 0.5).clamp(min=0)
        first = at.long()
        second = torch.minimum(first + 1, length[:, None] - 1)
        return start[:, None] + first, start[:, None] + second, at - first

    top, bottom, down = between(box[:, 0], box[:, 2], steps)
    left, right, along = between(box[:, 1], box[:, 3], across)
    values = torch.lerp(pixels[photo, top].float(), pixels[photo, bottom].float(), down[:, :, None, None])
    every, photo = torch.arange(size, device=device)[None, :, None], photo[:, :, None]
    sides = values[photo, every, left[:, None]], values[photo, every, right[:, None]]
    return torch.lerp(*sides, along[:, None, :, None]).round().to(torch.uint8)
