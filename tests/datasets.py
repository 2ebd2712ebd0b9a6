"""Tiny real worlds: photos that any network can tell apart within seconds."""

from pathlib import Path

import numpy as np
from PIL import Image

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
