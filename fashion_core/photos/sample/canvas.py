"""One painter for all pieces: each swells like a cushion, folds and wrinkles are a height field, one light falls."""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from fashion_core.photos.sample.cloth import Piece, woven
from fashion_core.photos.sample.shapes import Points, Random

SIZE = 224  # pixels, the paper's input size
FINE = 3  # supersampling of every edge

Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels


def as_float(image: Image.Image) -> np.ndarray:
    return np.asarray(image, np.float32) / 255


def blurred(image: Image.Image, radius: float) -> np.ndarray:
    return as_float(image.filter(ImageFilter.GaussianBlur(float(radius))))


class Canvas:
    """Paints pieces back to front under one light. `colour` (224, 224, 3) is premultiplied by `alpha` (224, 224)."""

    def __init__(self, rng: Random, pieces: Sequence[Piece]):
        self.colour = np.zeros((SIZE, SIZE, 3), np.float32)
        self.alpha = np.zeros((SIZE, SIZE), np.float32)
        self.noise = Image.fromarray(rng.standard_normal((360, 360), np.float32))
        light = np.array([rng.uniform(-0.8, 0.8), rng.uniform(-0.65, -0.25), 1])
        self.light = light / np.linalg.norm(light)
        self.turn, self.sway = rng.normal(0, 0.05), (rng.normal(0, 0.014, 2), rng.uniform(0, 6, 2))
        points = self.posed(np.concatenate([p.outline for p in pieces]))
        low, high = points.min(0), points.max(0)
        self.scale = float(SIZE * rng.uniform(0.74, 0.93) / (high - low).max())  # all of it stays in the frame
        slack = SIZE - (high - low) * self.scale
        self.origin = slack * (0.5 + rng.uniform(-0.2, 0.2, 2)) - low * self.scale

    def posed(self, points: Points) -> Points:
        """Sways and turns: no two garments hang alike."""
        size, phase = self.sway
        points = points + np.sin(points[:, ::-1] * (2.1, 1.7) + phase) * size
        c, s = math.cos(self.turn), math.sin(self.turn)
        return points @ np.array([[c, s], [-s, c]])

    def lines(self, points: Points, box: Box, zoom: int = 1) -> list[float]:
        """Garment units to the pixels of a box, as Pillow draws them."""
        return ((self.posed(points) * self.scale + self.origin - box[:2]) * zoom).ravel().tolist()

    def texture(self, box: Box, angle: float, along: float, across: float) -> np.ndarray:
        """Smooth noise over the box: each grain is `along` × `across` pixels, turned by `angle`."""
        x0, y0, x1, y1 = box
        c, s, dx, dy = math.cos(angle), math.sin(angle), x0 - SIZE / 2, y0 - SIZE / 2
        matrix = (c / across, s / across, 180 + (c * dx + s * dy) / across,
                  -s / along, c / along, 180 + (c * dy - s * dx) / along)  # fmt: skip
        size, how = (x1 - x0, y1 - y0), Image.Resampling.BICUBIC
        return np.asarray(self.noise.transform(size, Image.Transform.AFFINE, matrix, how))

    def paint(self, piece: Piece) -> None:
        points = np.array(self.lines(piece.outline, (0, 0, SIZE, SIZE))).reshape(-1, 2)
        (x0, y0), (x1, y1) = np.floor(points.min(0)) - 8, np.ceil(points.max(0)) + 8
        box = int(max(x0, 0)), int(max(y0, 0)), int(min(x1, SIZE)), int(min(y1, SIZE))
        stencil = Image.new("L", ((box[2] - box[0]) * FINE, (box[3] - box[1]) * FINE))
        ImageDraw.Draw(stencil).polygon(self.lines(piece.outline, box, FINE), fill=255)
        stencil = stencil.reduce(FINE)
        swell = blurred(stencil, max(2.0, 0.16 * (min(stencil.size) - 16)))
        shade, shine = self.lit(self.relief(piece, swell, box), piece.cloth.gloss)
        surface = self.marked(piece, self.dyed(piece, box, swell), box) * shade[..., None] + shine[..., None]
        mask = as_float(stencil)
        shadow = 0.5 * np.roll(blurred(stencil, 4), (2, int(-3 * self.light[0])), (0, 1))  # on the pieces behind
        here = np.s_[box[1] : box[3], box[0] : box[2]]
        self.colour[here] = self.colour[here] * ((1 - shadow) * (1 - mask))[..., None] + surface * mask[..., None]
        self.alpha[here] = 1 - (1 - self.alpha[here]) * (1 - mask)

    def relief(self, piece: Piece, swell: np.ndarray, box: Box) -> np.ndarray:
        """Height in pixels: the cushion, its folds, its wrinkles and its weave."""
        reach = max(2.0, 0.16 * (min(swell.shape) - 16))
        height = piece.bulge * 1.6 * reach * swell
        if piece.folds:
            creases = Image.new("L", swell.shape[::-1], 128)
            pen = ImageDraw.Draw(creases)
            for path, width, depth in piece.folds:
                tone = int(np.clip(128 + 60 * depth, 0, 255))
                pen.line(self.lines(path, box), fill=tone, width=max(1, round(width * self.scale)), joint="curve")
            height = height + (blurred(creases, 0.022 * self.scale) - 0.5) * 16
        if piece.wrinkle:
            grain, hang = self.scale / 90, piece.drape + self.turn
            broad = self.texture(box, hang, 30 * grain, 11 * grain)
            fine = self.texture(box, hang + 0.6, 14 * grain, 6 * grain)
            height = height + piece.wrinkle * (0.9 * broad + 0.13 * fine)
        return height + self.texture(box, piece.drape, 1.3, 1.3) * piece.cloth.weave

    def lit(self, height: np.ndarray, gloss: float) -> tuple[np.ndarray, np.ndarray]:
        """The factor of diffuse light, and the highlight to add."""
        gy, gx = np.gradient(height)
        norm = 1 / np.sqrt(gx * gx + gy * gy + 1)
        half = np.add(self.light, (0, 0, 1))
        half /= np.linalg.norm(half)
        facing, mirror = (np.maximum((v[2] - gx * v[0] - gy * v[1]) * norm, 0) for v in (self.light, half))
        shade = 0.28 + 0.72 * facing / self.light[2]
        return shade, gloss * 0.4 * mirror**24 + 0.09 * np.maximum(shade - 1, 0)  # even black cloth has a sheen

    def dyed(self, piece: Piece, box: Box, swell: np.ndarray) -> np.ndarray:
        """The cloth's colour and pattern over the box, (height, width, 3)."""
        cloth, (x0, y0, x1, y1) = piece.cloth, box
        base, second = np.array(cloth.colour, np.float32), np.array(cloth.second, np.float32)
        grain = 1 + cloth.weave * self.texture(box, 0.6, 1.6, 0.9) + cloth.fade * (swell * 2 - 1.1)
        if cloth.pattern == "plain":
            return base * grain[..., None]
        y, x = np.mgrid[y0:y1, x0:x1].astype(np.float32)
        x, y = (x - self.origin[0]) / self.scale, (y - self.origin[1]) / self.scale
        c, s = math.cos(piece.drape + self.turn), math.sin(piece.drape + self.turn)
        share = woven(cloth.pattern, c * x + s * y, c * y - s * x, cloth.period, cloth.period * self.scale)[..., None]
        return (base + (second - base) * share) * grain[..., None]

    def marked(self, piece: Piece, surface: np.ndarray, box: Box) -> np.ndarray:
        """Seams, stitches and buttons over the surface."""
        if not piece.marks:
            return surface
        ink = Image.new("RGBA", ((box[2] - box[0]) * FINE, (box[3] - box[1]) * FINE))
        pen = ImageDraw.Draw(ink)
        for path, width, colour in piece.marks:
            fill = (*(int(255 * min(1, c)) for c in colour), 255)
            if width:
                pen.line(self.lines(path, box, FINE), fill, max(2, round(width * self.scale * FINE)), joint="curve")
            else:
                pen.polygon(self.lines(path, box, FINE), fill)
        inked = as_float(ink.reduce(FINE))  # premultiplied, since empty pixels are zero
        return surface * (1 - inked[..., 3:]) + inked[..., :3]

    def backdrop(self, rng: Random) -> np.ndarray:
        """Studio paper, a painted wall, a floor, planks or linen under the piece's shadow, (224, 224, 3)."""
        kind = rng.choice(["studio", "studio", "studio", "wall", "floor", "planks", "linen"])
        whole = (0, 0, SIZE, SIZE)
        base = rng.uniform(0.68, 0.9) - rng.uniform(0, 0.1, 3)
        if kind == "studio":
            base = np.full(3, rng.uniform(0.88, 0.97))
        y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) / SIZE
        glow = 1.04 - 0.22 * ((x - 0.5 - 0.4 * self.light[0]) ** 2 + (y - 0.3) ** 2)
        if kind == "floor":
            glow *= 1 - 0.14 * np.clip((y - rng.uniform(0.78, 0.86)) * 60, 0, 1)
        elif kind == "wall":
            glow += 0.012 * self.texture(whole, 0, 3, 3)
        elif kind == "planks":
            base, board = np.array([0.72, 0.6, 0.48]) * rng.uniform(0.75, 1.15), x * rng.uniform(4, 6)
            glow *= rng.uniform(0.88, 1.06, 8)[board.astype(int)] * (1 - 0.4 * (board % 1 < 0.035))
            glow += 0.035 * self.texture(whole, 0, 30, 1.4)
        elif kind == "linen":
            glow *= self.lit(1.5 * self.texture(whole, rng.uniform(-1, 1), 60, 22), 0)[0]
            glow += 0.02 * (self.texture(whole, 0, 5, 1) + self.texture(whole, np.pi / 2, 5, 1))
        silhouette = Image.fromarray((self.alpha * 255).astype(np.uint8))
        shadow = np.roll(blurred(silhouette, 6), (7, int(-14 * self.light[0])), (0, 1))
        return base.astype(np.float32) * (glow * (1 - rng.uniform(0.2, 0.5) * shadow))[..., None]
