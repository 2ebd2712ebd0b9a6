"""What garments are made of: cloth and its colours, and the pieces cut from it with their folds and seams."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from fashion_core.photos.sample.shapes import Points, Random, curve, disc, pick

Colour = tuple[float, ...]  # red, green and blue, 0..1, as on the screen

BLACKS = [(0.08, 0.08, 0.09), (0.11, 0.105, 0.105), (0.14, 0.14, 0.145), (0.18, 0.175, 0.175), (0.24, 0.235, 0.24)]
BLUES = [(0.1, 0.14, 0.34), (0.13, 0.25, 0.56), (0.16, 0.36, 0.74), (0.3, 0.5, 0.78), (0.55, 0.7, 0.88),
         (0.24, 0.36, 0.55), (0.08, 0.1, 0.25), (0.18, 0.45, 0.62)]  # fmt: skip
DENIMS = [(0.21, 0.31, 0.47), (0.36, 0.49, 0.65), (0.13, 0.18, 0.31)]
TWILIGHT = {"black": (0.1, 0.11, 0.155), "blue": (0.095, 0.11, 0.19)}  # either could be the other
SKINS = [(0.86, 0.84, 0.81), (0.62, 0.6, 0.58), (0.85, 0.68, 0.56), (0.66, 0.48, 0.37), (0.42, 0.29, 0.22)]
PATTERNS = ["plain"] * 12 + ["stripes", "stripes", "pinstripe", "check", "dots", "dots"]


@dataclass(frozen=True)
class Cloth:
    """What a piece is cut from. `period` is in garment units; `gloss`, `weave` and `fade` are 0..1."""

    colour: Colour
    second: Colour = (0.9, 0.9, 0.9)
    pattern: str = "plain"
    period: float = 0.12
    gloss: float = 0.1
    weave: float = 0.03
    fade: float = 0.0  # worn denim: lighter where the body presses
    stitch: Colour | None = None  # a thread that shows

    def tone(self, factor: float) -> Colour:
        """The colour made darker or lighter, for seams and linings; black lightens too."""
        return tuple(min(1.0, c * factor + max(0.0, factor - 1) * 0.12) for c in self.colour)

    def plain(self, factor: float = 1.0, gloss: float = 0.1) -> "Cloth":
        return Cloth(self.tone(factor), gloss=gloss, weave=self.weave)


@dataclass
class Piece:
    """One piece of a garment: what is painted at once."""

    outline: Points
    cloth: Cloth
    bulge: float = 1.0  # how far it swells; 0 is flat
    wrinkle: float = 1.0
    drape: float = 0.0  # radians between the way it hangs and straight down
    folds: list[tuple[Points, float, float]] = field(default_factory=list)  # line, width, depth (negative: a valley)
    marks: list[tuple[Points, float, Colour]] = field(default_factory=list)  # line, width; width 0 fills the outline

    def mapped(self, move: Callable[[Points], Points], drape: float = 1.0) -> "Piece":
        return replace(self, outline=move(self.outline), drape=self.drape * drape,
                       folds=[(move(p), width, depth) for p, width, depth in self.folds],
                       marks=[(move(p), width, colour) for p, width, colour in self.marks])  # fmt: skip

    def with_mirror(self) -> list["Piece"]:
        return [self, self.mapped(lambda p: p * (-1, 1), drape=-1)]

    def double(self) -> None:
        """Repeats every fold and mark on the other side."""
        twin = self.with_mirror()[1]
        self.folds, self.marks = self.folds + twin.folds, self.marks + twin.marks

    def seam(self, *points, width: float = 0.01, colour: Colour | None = None) -> None:
        self.marks.append((curve(points), width, colour or self.cloth.tone(0.5)))

    def stitch(self, *points) -> None:
        """A seam, with a row of stitches beside it where the thread shows."""
        self.seam(*points)
        if self.cloth.stitch:
            path = curve(points, steps=18)
            path += -0.013 * np.sign(path[:, :1].mean()), 0.011
            self.marks += [(path[i : i + 2], 0.008, self.cloth.stitch) for i in range(0, len(path) - 1, 2)]

    def button(self, x: float, y: float, colour: Colour, radius: float = 0.02) -> None:
        self.marks.append((disc(x + 0.006, y + 0.008, radius), 0, self.cloth.tone(0.3)))
        self.marks.append((disc(x, y, radius), 0, colour))
        self.marks.append((disc(x, y, radius * 0.3), 0, tuple(0.5 * c for c in colour)))

    def fold(self, *points, width: float = 0.05, depth: float = 1.0) -> None:
        self.folds.append((curve(points), width, depth))


def cut(rng: Random, colour: str, garment: str) -> Cloth:
    """A plausible cloth of that colour for that garment."""
    denim = rng.random() < {"pants": 0.4, "shorts": 0.4, "shirt": 0.1}.get(garment, 0)
    shades = BLACKS if colour == "black" else DENIMS if denim else BLUES
    shade = np.array(pick(rng, shades)) * rng.uniform(0.85, 1.15) + rng.normal(0, 0.008, 3)
    base = tuple(np.clip(shade, 0.03, 0.95))
    if denim:
        thread = (0.75, 0.58, 0.33) if colour == "blue" else (0.4, 0.4, 0.4)
        return Cloth(base, weave=0.08, fade=rng.uniform(0.1, 0.35), gloss=0, stitch=thread)
    pattern = "plain" if garment == "shoes" else str(rng.choice(PATTERNS))
    second = (0.88, 0.88, 0.86) if rng.random() < 0.5 else tuple(np.clip(np.array(base) * 1.5 + 0.1, 0, 1))
    return Cloth(base, second, pattern, rng.uniform(0.09, 0.16), rng.uniform(0, 0.35), rng.uniform(0.01, 0.05))


def woven(pattern: str, u: np.ndarray, v: np.ndarray, period: float, pixels: float) -> np.ndarray:
    """Share of the second colour, 0..1, at u across and v along the cloth; a period is `pixels` long."""

    def band(x: np.ndarray, duty: float) -> np.ndarray:
        return np.clip((np.cos(2 * np.pi * x / period) - math.cos(math.pi * duty)) * pixels / 6 + 0.5, 0, 1)

    if pattern == "stripes":
        return band(v, 0.4)
    if pattern == "pinstripe":
        return band(u, 0.13) * 0.7
    if pattern == "check":
        return (band(u, 0.5) + band(v, 0.5)) / 2
    u, v = u / period + 0.5 * (np.floor(v / period) % 2), v / period  # dots, every other row shifted
    return np.clip((0.22 - np.hypot(u % 1 - 0.5, v % 1 - 0.5)) * pixels + 0.5, 0, 1)
