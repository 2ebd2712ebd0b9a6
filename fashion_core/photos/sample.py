"""The rendered sample set: ten classes of drawn apparel photos, so that everything works with no download.

    python -m fashion_core sample OUT --per-class 60 --seed 0

A garment is a list of parts, back to front: an outline in garment units, the cloth it is cut from, folds and marks
(seams, stitches, buttons). One painter shades them all: a part swells like a cushion, its folds and wrinkles are a
height field, and one light falls on it. Photo i of a class depends on (seed, class, i) alone, down to the byte.

About 9 % of the photos are hard on purpose, so that a confusion matrix has something to show. A dress has a chance of
13 % to be two-coloured (black and blue; the label is the larger share) and of 13 % to be hard; any other piece
2 % and 3 %. Hard is one of: a twilight colour between navy and black, a cut near another garment's (shirt dress, long
tunic, cropped trousers, long shorts), or a dim photo with a colour cast.
"""

import math
import os
import re
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from fashion_core import UserError, home
from fashion_core.files import Progress
from fashion_core.paper import CLASSES

SIZE = 224  # pixels, the paper's input size
FINE = 3  # supersampling of every edge
TWO_COLOURED = {"dress": 0.13}  # chance by garment, else 2 %
HARD = {"dress": 0.13}  # else 3 %
MARKER = ".complete"  # written last: a sample folder without it was interrupted

Points = np.ndarray  # (n, 2), x to the right and y down, in garment units: a garment is about 2 high
Colour = tuple[float, float, float]  # 0..1, as on the screen
Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels
Random = np.random.Generator

# ------------------------------------------------------------------------------------------------------- shapes


def curve(points: Sequence, closed: bool = False, steps: int = 7) -> Points:
    """A Catmull-Rom curve through the points; a point with a third element is a corner."""
    p = np.array([q[:2] for q in points], float)
    corner = np.array([len(q) > 2 for q in points])[:, None]
    after, before = np.roll(p, -1, 0), np.roll(p, 1, 0)
    if not closed:
        before[0], after[-1] = p[0], p[-1]
    leave = np.where(corner, after - p, (after - before) / 2)
    arrive = np.where(corner, p - before, (after - before) / 2)
    t = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    start, end, out, into = p[:, None], after[:, None], leave[:, None], np.roll(arrive, -1, 0)[:, None]
    path = start + t * (out + t * (3 * (end - start) - 2 * out - into + t * (2 * (start - end) + out + into)))
    return path.reshape(-1, 2) if closed else np.concatenate([path[:-1].reshape(-1, 2), p[-1:]])


def closed(*points) -> Points:
    return curve(points, closed=True)


def both(*half) -> Points:
    """A closed outline from its right half, listed from top to bottom."""
    return closed(*half, *((-q[0], *q[1:]) for q in reversed(half) if q[0] != 0))


def tube(start, joint, end, wide: float, narrow: float) -> Points:
    """A tapering limb along the bent line start–joint–end; `wide` and `narrow` are half widths."""
    line = curve([start, joint, end])
    along = np.gradient(line, axis=0)
    across = along[:, ::-1] * (-1, 1) / np.linalg.norm(along, axis=1, keepdims=True)
    across *= np.linspace(wide, narrow, len(line))[:, None]
    return np.concatenate([line + across, (line - across)[::-1]])


def pick(rng: Random, choices: Sequence):
    return choices[rng.integers(len(choices))]


def disc(x: float, y: float, rx: float, ry: float | None = None) -> Points:
    a = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    return np.stack([x + rx * np.cos(a), y + (ry or rx) * np.sin(a)], 1)


# ---------------------------------------------------------------------------------------------- cloth and parts


@dataclass(frozen=True)
class Cloth:
    """What a part is cut from. `period` is in garment units; `gloss`, `weave` and `fade` are 0..1."""

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
class Part:
    """One piece of a garment: what is painted at once."""

    outline: Points
    cloth: Cloth
    bulge: float = 1.0  # how far it swells; 0 is flat
    wrinkle: float = 1.0
    drape: float = 0.0  # radians between the way it hangs and straight down
    folds: list[tuple[Points, float, float]] = field(default_factory=list)  # line, width, depth (negative: a valley)
    marks: list[tuple[Points, float, Colour]] = field(default_factory=list)  # line, width; width 0 fills the outline

    def mapped(self, move: Callable[[Points], Points], drape: float = 1.0) -> "Part":
        return replace(self, outline=move(self.outline), drape=self.drape * drape,
                       folds=[(move(p), *rest) for p, *rest in self.folds],
                       marks=[(move(p), *rest) for p, *rest in self.marks])  # fmt: skip

    def with_mirror(self) -> list["Part"]:
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


# ---------------------------------------------------------------------------------------- what garments share
# Outlines are tables of points (x, y and, at a corner, a 1): the formatter would put each on its own line.
# fmt: off


def sleeves(rng: Random, cloth: Cloth, shoulder, armpit, long: bool, cuff: float, reach: float = 1.0) -> list[Part]:
    """Both sleeves, from the armhole outwards and down; `reach` scales their length."""
    length = reach * (rng.uniform(0.95, 1.1) if long else rng.uniform(0.3, 0.44))
    angle = rng.uniform(0.2, 0.55) if long else rng.uniform(0.5, 0.85)
    out, down = (np.array([math.sin(a), math.cos(a)]) for a in (angle, angle - rng.uniform(0, 0.3) * long))
    top, pit = np.array(shoulder), np.array(armpit)
    elbow = top + out * length / 2
    end = elbow + down * length / 2
    inner = end + np.array([-down[1], down[0]]) * cuff
    within = pit + (inner - pit) * 0.45 + np.array([out[1], -out[0]]) * 0.02
    part = Part(closed((*top, 1), np.add(top + out * 0.1, (0.016, -0.006)), np.add(elbow, (0.012, 0)), (*end, 1),
                       (*inner, 1), within, (*pit, 1), pit - (0.15, 0.1)), cloth, drape=-angle, bulge=1.1)
    for t in rng.uniform(0.1, 0.85, 5 if long else 2):
        a, b = top + (end - top) * t, pit + (inner - pit) * (t + rng.uniform(-0.05, 0.15))
        part.fold(a * 0.75 + b * 0.25, np.add((a + b) / 2, (0, 0.02)), b, width=0.03, depth=rng.uniform(-1.1, 0.4))
    hem = 0.06 if long else 0.035
    part.stitch(end - down * hem, inner - down * hem)
    return part.with_mirror()


def inside(cloth: Cloth, neck: float, top: float, low: float) -> Part:
    """The back of the neckline, seen through the front, with its label."""
    outline = both((0, top - 0.06), (neck * 0.8, top - 0.04), (neck, top, 1), (0, low + 0.03))
    part = Part(outline, cloth.plain(0.5), 0.2)
    part.marks.append((disc(0, top - 0.005, 0.032, 0.016), 0, (0.72, 0.71, 0.68)))
    return part


def collar(cloth: Cloth, neck: float, top: float, low: float) -> list[Part]:
    leaf = Part(closed((0, low, 1), (neck * 0.75, low + 0.14, 1), (neck + 0.07, top + 0.06, 1),
                       (neck + 0.01, top - 0.05), (neck * 0.85, top - 0.06, 1)), cloth, 0.5, 0.3)
    leaf.seam((0.02, low + 0.01), (neck * 0.74, low + 0.115), (neck + 0.05, top + 0.055), width=0.008)
    return leaf.with_mirror()


def placket(part: Part, rng: Random, top: float, bottom: float, count: int) -> None:
    """A buttoned front edge."""
    part.seam((0.045, top), (0.045, bottom))
    part.seam((-0.045, top), (-0.045, bottom), width=0.006)
    pearl = sum(part.cloth.colour) < 1.2 and rng.random() < 0.4
    for y in np.linspace(top + 0.08, bottom - 0.1, count):
        part.button(0, y, (0.82, 0.8, 0.76) if pearl else part.cloth.tone(1.5))


def hanger(neck: float, top: float, wide: float) -> list[Part]:
    wood, wire = Cloth((0.6, 0.44, 0.3), gloss=0.4), Cloth((0.62, 0.62, 0.63), gloss=1.0)
    hook = curve([(0, top), (0, top - 0.14), (0.05, top - 0.19), (0, top - 0.26), (-0.06, top - 0.22)])
    edge = np.concatenate([np.add(hook, (0.011, 0.004)), (hook - (0.011, 0.004))[::-1]])
    bar = both((0, top - 0.035), (neck, top - 0.01), (wide, top + 0.1, 1), (neck, top + 0.06), (0, top + 0.03))
    return [Part(edge, wire, wrinkle=0), Part(bar, wood, wrinkle=0)]


def mannequin(rng: Random, hips: float, top: float, floor: float, *more: Part) -> list[Part]:
    """A shop mannequin's legs from y = `top` down to the floor, and `more` of it in the same tone."""
    tone = Cloth(pick(rng, SKINS), gloss=0.25, weave=0.005)
    x, w, knee, calf = hips * 0.5, hips * 0.44, top + (floor - top) * 0.42, top + (floor - top) * 0.6
    leg = closed((x - w, top, 1), (x + w, top, 1), (x + w * 0.62, knee), (x + w * 0.66, calf),
                 (x + w * 0.3, floor - 0.12), (x + w * 0.42, floor, 1), (x - w * 0.38, floor, 1),
                 (x - w * 0.3, floor - 0.12), (x - w * 0.5, calf), (x - w * 0.55, knee))
    foot = closed((x - w * 0.3, floor - 0.1), (x + w * 0.3, floor - 0.1), (x + w * 0.6, floor + 0.04),
                  (x + w * 0.1, floor + 0.07), (x - w * 0.45, floor + 0.04))
    lower = [Part(leg, tone, wrinkle=0), Part(foot, tone.plain(0.92, gloss=0.3), wrinkle=0)]
    return [*(p for part in lower for p in part.with_mirror()), *(replace(p, cloth=tone, wrinkle=0) for p in more)]


# ---------------------------------------------------------------------------------------------------- garments


def shirt(rng: Random, cloth: Cloth, other: Cloth | None, near: bool) -> list[Part]:
    """Neck at y = -0.83, armpits near -0.33, hem near 0.7. Nearly a dress: a long buttoned tunic."""
    kind = "button" if near else rng.choice(["tee", "tee", "button", "button", "polo", "tank", "sweater"])
    buttoned, trim = kind == "button", other or cloth
    wide, hem, neck = rng.uniform(0.4, 0.5), rng.uniform(0.52, 0.76) + 0.45 * near, rng.uniform(0.14, 0.19)
    low, curved = -0.82 + rng.uniform(0.07, 0.13), rng.uniform(0.05, 0.12) if buttoned else 0.02
    vee = kind in ("tee", "sweater") and rng.random() < 0.35
    shoulder, pit = (wide + 0.02, -0.69), (wide - 0.02, -0.33)
    if kind == "tank":
        neck, low, shoulder, pit = neck + 0.02, low + 0.16, (wide * 0.62, -0.78), (wide - 0.03, -0.28)
    front = (0, low + 0.18, 1) if vee else (0, low)
    armhole = [shoulder, (min(pit[0] - 0.05, shoulder[0]), pit[1] - 0.16), pit]
    trunk = Part(both(front, (neck, -0.83, 1), (shoulder[0] * 0.8, shoulder[1] - 0.055), (*shoulder, 1), armhole[1],
                      (*pit, 1), (wide * rng.uniform(0.86, 1), 0.15), (wide, hem - curved, 1), (wide * 0.55, hem),
                      (0, hem + 0.015)), cloth)
    trunk.stitch(*armhole)
    turned = hem - (0.08 if kind == "sweater" else 0.03)
    trunk.stitch((0, turned + 0.01), (wide * 0.55, turned), (wide, turned - curved))
    if kind not in ("button", "polo"):
        rim = [front, (neck * 0.75, (front[1] - 0.82) / 2), (neck + 0.01, -0.84)]
        trunk.seam(*rim, width=0.06, colour=trim.tone(0.75))
    trunk.double()
    for y in rng.uniform(-0.3, 0.3, 8):
        x = rng.choice([-1, 1]) * wide
        trunk.fold((x * 0.95, y - 0.1), (x * 0.6, y + 0.05), (x * rng.uniform(0, 0.5), y + 0.3),
                   width=rng.uniform(0.03, 0.06), depth=rng.uniform(-1.1, 0.7))
    parts = [*(hanger(neck, -0.85, wide * 0.8) if rng.random() < 0.25 else []), inside(cloth, neck, -0.83, front[1])]
    if kind != "tank":
        long = kind == "sweater" or rng.random() < (0.6 if buttoned else 0.2)
        parts += sleeves(rng, trim, shoulder, pit, long, 0.16 if long else 0.3)
    parts.append(trunk)
    if kind in ("button", "polo"):
        placket(trunk, rng, low, hem if buttoned else -0.35, 7 if buttoned else 3)
        parts += collar(trim, neck, -0.83, low + 0.02)
    if rng.random() < (0.7 if buttoned else 0.15):
        x, y = wide * 0.5, -0.25
        trunk.stitch((x - 0.1, y - 0.1, 1), (x + 0.1, y - 0.1, 1), (x + 0.1, y + 0.09, 1), (x, y + 0.13, 1),
                     (x - 0.1, y + 0.09, 1), (x - 0.1, y - 0.1, 1))
    return parts


def dress(rng: Random, cloth: Cloth, other: Cloth | None, near: bool) -> list[Part]:
    """Neck at y = -0.97, waist near -0.22, hem from 0.3 to 1.2. Nearly a shirt: a short buttoned shirt dress."""
    top = "short" if near else rng.choice(["strap", "tank", "short", "long", "wrap"])
    length = 0.3 if near else rng.choice([0.4, 0.6, 0.85, 1.15]) + rng.uniform(-0.06, 0.06)
    flare = 0.04 if near else rng.choice([0.03, 0.16, 0.32]) * rng.uniform(0.8, 1.2) * (0.6 + 0.4 * length)
    waist, line = rng.uniform(0.2, 0.24) + 0.08 * near, rng.uniform(-0.3, -0.16)
    bust, wide = waist + rng.uniform(0.05, 0.08), rng.uniform(0.28, 0.32)
    neck, low = rng.uniform(0.12, 0.2), -0.95 + rng.uniform(0.1, 0.24)
    upper = cloth if other is None or rng.random() < 0.4 else other
    bodice = bodiced(upper, top, waist, line, bust, wide, neck, low)
    skirt = skirted(rng, cloth, waist, line, length, flare)
    parts = [skirt] if top == "strap" else [inside(upper, neck, -0.97, low), skirt]
    bare, worn = top in ("strap", "tank"), rng.random() < 0.35
    if worn:
        throat = both((0, -1.17), (0.07, -1.16, 1), (0.075, -1), (wide * 0.8, -0.9), (bust, -0.6), (0, -0.5))
        arm = Part(tube((wide * 0.92, -0.84), (wide + 0.1, -0.45), (wide + 0.1, 0), 0.065, 0.035), cloth)
        arms = arm.with_mirror() if bare else []
        parts = mannequin(rng, waist + 0.06, min(0.2, length - 0.15), 1.35, Part(throat, cloth), *arms) + parts
    elif rng.random() < 0.3:
        parts = hanger(neck, -0.99, wide * 0.8) + parts
    if top == "strap":
        strap = tube((bust * 0.62, -0.7), (bust * 0.6, -0.86), (bust * 0.45, -1.02), 0.016, 0.016)
        parts += Part(strap, upper, wrinkle=0).with_mirror()
    elif not bare:
        long = top == "long" or rng.random() < 0.2
        parts += sleeves(rng, upper, (wide, -0.9), (bust, -0.6), long, 0.13 if long else 0.24, reach=0.8)
    parts.append(bodice)
    if near:
        placket(bodice, rng, low, line + 0.02, 5)
        placket(skirt, rng, line, length, 5)
        parts += collar(upper, neck, -0.97, low + 0.02)
    elif rng.random() < 0.45:
        side = waist + 0.01
        belt = both((0, line - 0.03), (side, line - 0.04, 1), (side, line + 0.035, 1), (0, line + 0.045))
        parts.append(Part(belt, other.plain() if other else cloth.plain(0.6, gloss=0.5), wrinkle=0.2))
    return parts


def bodiced(cloth: Cloth, top: str, waist, line, bust, wide, neck, low) -> Part:
    """From the neck, which dips to `low`, to the waist at y = `line`."""
    edge = wide * (0.82 if top == "tank" else 1)
    half = [(0, low, 1) if top == "wrap" else (0, low), (neck, -0.97, 1), (edge, -0.9, 1), (edge * 0.93, -0.75),
            (bust, -0.6, 1)]
    if top == "strap":
        half = [(0, -0.72, 1), (0.1, -0.76), (bust * 0.75, -0.72, 1), (bust, -0.6)]
    bodice = Part(both(*half, (waist, line, 1), (0, line + 0.02)), cloth, wrinkle=0.8)
    bodice.fold((bust * 0.95, -0.52), (bust * 0.5, -0.5), width=0.04, depth=-0.9)
    bodice.fold((bust * 0.5, -0.48), (waist * 0.55, line), width=0.03, depth=-0.8)
    bodice.fold((bust * 0.7, -0.62), (bust * 0.5, -0.56), (bust * 0.2, -0.58), width=0.1, depth=0.3)
    bodice.seam((0, line + 0.008), (waist, line - 0.01))
    bodice.double()
    if top == "wrap":
        bodice.seam((-neck, -0.97), (0.02, low), (waist * 0.8, line), width=0.016)
    return bodice


def skirted(rng: Random, cloth: Cloth, waist, line, length, flare) -> Part:
    """The skirt; the more it flares, the more its hem waves and the deeper its folds."""
    hips, hem = waist + 0.09 + flare * 0.25, waist + 0.1 + flare
    x = np.linspace(hem, -hem, 5 + 2 * int(flare * 12))[1:-1]
    wave = np.where(np.arange(len(x)) % 2, 1, -1) * (0.008 + 0.05 * flare) + 0.05 * (1 - (x / hem) ** 2)
    hemline = np.stack([x, length + wave * rng.uniform(0.8, 1.2, len(x))], 1)
    skirt = Part(closed((0.01 - waist, line - 0.05, 1), (waist - 0.01, line - 0.05, 1), (waist, line, 1),
                        (hips, line + 0.28), (hem, length, 1), *hemline, (-hem, length, 1), (-hips, line + 0.28),
                        (-waist, line, 1)), cloth, bulge=0.9, wrinkle=0.7)
    for t in np.linspace(-0.88, 0.88, 5 + int(flare * 26)):
        t += rng.uniform(-0.05, 0.05)
        skirt.fold((t * waist * 0.9, line + rng.uniform(0.02, 0.3)), (t * (waist + hem) * 0.52, (line + length) / 2),
                   (t * hem, length + 0.05), width=rng.uniform(0.03, 0.06) * (1 + flare),
                   depth=rng.uniform(-1.4, -0.5) * (0.4 + 2 * flare))
    return skirt


def pants(rng: Random, cloth: Cloth, other: Cloth | None, near: bool) -> list[Part]:
    """Nearly shorts: cropped below the knee."""
    kind = rng.choice(["skinny", "straight", "straight", "wide", "jogger", "cargo"])
    length, gap = 0.5 if near else rng.uniform(0.9, 1.08), rng.uniform(0.02, 0.09)
    width = {"skinny": 0.17, "straight": 0.24, "wide": 0.38, "jogger": 0.18, "cargo": 0.28}[kind]
    width *= rng.uniform(0.94, 1.08)
    knee = gap * 0.6 + 0.45 * width + 0.17
    return trousers(rng, cloth, other, kind, length, rng.uniform(0.27, 0.31), gap, knee, gap + width)


def shorts(rng: Random, cloth: Cloth, other: Cloth | None, near: bool) -> list[Part]:
    """Nearly pants: long, to the knee."""
    kind = rng.choice(["straight", "straight", "wide", "jogger", "cargo"])
    length = 0.36 if near else rng.uniform(-0.2, 0.1)
    hem = 0.37 + {"wide": 0.12, "cargo": 0.08}.get(kind, 0.05) + rng.uniform(-0.02, 0.03) - 0.1 * max(0, length)
    waist, gap = rng.uniform(0.3, 0.34), rng.uniform(0.02, 0.06)
    parts = trousers(rng, cloth, other, kind, length, waist, gap, 0.11 + 0.7 * hem, hem)
    return mannequin(rng, 0.37, -0.5, 1.05) + parts if rng.random() < 0.3 else parts


def trousers(rng: Random, cloth: Cloth, other: Cloth | None, kind: str, length, waist, gap, knee, hem) -> list[Part]:
    """Waistband at y = -1, crotch near -0.4, hems at y = `length`. A leg reaches from `gap` out to `hem`, at half
    height to `knee`, from the middle."""
    hip, crotch = rng.uniform(0.335, 0.37), rng.uniform(-0.42, -0.34)
    half, turned = (crotch + length) / 2, length - (0.1 if kind == "jogger" else 0.045)
    thigh = [(hip + 0.005, crotch - 0.06)] if length > 0.45 else []
    legs = Part(both((0, -0.93), (waist, -0.95, 1), (hip - 0.005, -0.66), *thigh, (knee, half), (hem, length - 0.01, 1),
                     (gap, length + 0.015, 1), (gap * 0.6, half), (0.01, crotch + 0.03, 1), (0, crotch)), cloth, 1.1)
    legs.stitch((waist * 0.5, -0.93), (waist * 0.66, -0.8), (hip - 0.01, -0.74))
    legs.stitch((gap, turned + 0.015), (hem + 0.05, turned - 0.012))
    legs.fold((0, crotch - 0.02), (hip * 0.45, crotch - 0.1), (hip * 0.8, crotch - 0.2), width=0.04, depth=-1.2)
    legs.fold((0, crotch + 0.02), (hip * 0.5, crotch + 0.04), (hip * 0.85, crotch), width=0.03, depth=-0.7)
    shin, foot = (knee + gap * 0.6) / 2, (hem + gap) / 2
    legs.fold((hip * 0.55, -0.7), (shin, half), (foot, length), width=0.05, depth=rng.uniform(0.2, 1.2))
    if other and kind != "cargo":
        legs.seam((hip - 0.02, -0.74), (knee - 0.02, half), (hem - 0.03, length), width=0.07, colour=other.colour)
    legs.double()
    legs.stitch((0, -0.93), (0.008, crotch - 0.05), (0, crotch))
    for y in np.arange(crotch + 0.15, length - 0.03, 0.08) + rng.uniform(-0.05, 0.05):
        s, tilt = rng.choice([-1, 1]), rng.uniform(-0.06, 0.06, 2)
        x = shin + (foot - shin) * (y - half) / (length - half)
        legs.fold((s * (x - 0.12), y + tilt[0]), (s * x, y), (s * (x + 0.06), y + tilt[1]), width=0.025,
                  depth=rng.uniform(-1.0, 0.3))
    band = both((0, -1.03), (waist - 0.01, -1.05, 1), (waist + 0.004, -0.945, 1), (0, -0.925))
    band = Part(band, other or cloth, 1, 0.3)
    parts = [Part(disc(0, -1.035, waist - 0.02, 0.035), cloth.plain(0.4), bulge=0), legs, band]
    if kind == "cargo":
        x, y = (knee - 0.11, length - 0.19) if length < 0.45 else (knee - 0.09, half - 0.1)
        parts[2:2] = cargo_pocket(cloth, x, y).with_mirror()
    if kind == "jogger":
        for x in np.linspace(-waist, waist, 17):
            band.seam((x, -1.05), (x, -0.92), width=0.007)
        cords = [tube((x, -0.98), (x * 2.4, -0.86), (x * 1.6, -0.72 + x), 0.01, 0.01) for x in (-0.03, 0.035)]
        return parts + [Part(cord, Cloth((0.85, 0.85, 0.83)), wrinkle=0) for cord in cords]
    legs.stitch((0.055, -0.93), (0.06, -0.7), (0, -0.58))
    band.button(0.02, -0.985, (0.66, 0.55, 0.35) if cloth.stitch else cloth.tone(1.7))
    x = 0.72 * waist
    return parts + Part(tube((x, -1.06), (x, -1), (x, -0.92), 0.016, 0.016), cloth, wrinkle=0).with_mirror()


def cargo_pocket(cloth: Cloth, x: float, y: float) -> Part:
    pocket = Part(closed((x - 0.1, y - 0.12, 1), (x + 0.11, y - 0.12, 1), (x + 0.12, y + 0.12, 1),
                         (x - 0.09, y + 0.13, 1)), cloth, 0.8, 0.5)
    pocket.seam((x - 0.12, y - 0.05), (x + 0.13, y - 0.05), width=0.016)
    pocket.button(x, y - 0.045, cloth.tone(1.4))
    return pocket


def shoes(rng: Random, cloth: Cloth, other: Cloth | None, near: bool) -> list[Part]:
    """One shoe or a pair from the side on a floor at y = 0.34, the toe to the right unless mirrored."""
    kind = rng.choice(["sneaker", "sneaker", "high-top", "boot", "heel", "oxford", "flat"])
    leather = replace(cloth.plain(gloss=rng.uniform(0.5, 1)), weave=0.01)
    if kind in ("heel", "flat"):
        one = pump(leather, 0.05 if kind == "flat" else rng.uniform(0.28, 0.5), rng.uniform(0.03, 0.1))
    else:
        one = laced(rng, leather if kind in ("boot", "oxford") else cloth, other, kind)
    if rng.random() < 0.5:
        shift = (rng.uniform(0.2, 0.45) * rng.choice([-1, 1]), rng.uniform(-0.28, -0.2))
        one = [part.mapped(lambda p: np.add(p, shift)) for part in one] + one
    turn = rng.choice([-0.84, 0.84])
    return [part.mapped(lambda p: p * (turn, 1), drape=np.sign(turn)) for part in one]


def laced(rng: Random, cloth: Cloth, other: Cloth | None, kind: str) -> list[Part]:
    """Sneakers, high-tops, boots and oxfords: lining, tongue, upper with laces, sole."""
    sport, floor = kind in ("sneaker", "high-top"), 0.34
    top = {"sneaker": -0.3, "oxford": -0.24, "high-top": -0.62, "boot": rng.choice([-0.75, -1.15])}[kind]
    top, y = top + rng.uniform(-0.04, 0.04), floor - (rng.uniform(0.15, 0.22) if sport else rng.uniform(0.1, 0.15))
    rubber = (0.9, 0.89, 0.86) if sport and rng.random() < 0.65 else pick(rng, [(0.12, 0.11, 0.11), (0.55, 0.4, 0.26)])
    shaft = -0.28 if top < -0.5 else -0.16
    instep = [(shaft, top - 0.06), (shaft + 0.07, min(-0.26, top + 0.24)), (0.14, -0.19), (0.4, -0.06)]
    upper = Part(closed((-0.92, y + 0.05, 1), (-0.95, y - 0.18), (-0.87, (top + y) / 2 - 0.1), (-0.9, top, 1),
                        (-0.62, top + 0.07), (*instep[0], 1), *instep[1:], (0.68, -0.02), (0.9, 0.05), (0.99, y - 0.03),
                        (0.98, y + 0.05, 1)), cloth, bulge=1.2, wrinkle=0.4)
    if sport:
        tread = [(-0.95, y - 0.01), (-0.975, floor - 0.08), (-0.95, floor - 0.01), (-0.85, floor), (0.1, floor),
                 (0.8, floor), (0.95, floor - 0.02), (1.01, floor - 0.09), (1.01, y - 0.02), (0.9, y + 0.01),
                 (0.2, y + 0.02), (-0.6, y + 0.01)]
        if rng.random() < 0.3:  # a toe cap
            upper.marks.append((disc(0.98, y, 0.3, 0.2), 0, rubber))
    else:
        tread = [(-0.95, y, 1), (-0.94, floor, 1), (-0.48, floor, 1), (-0.45, floor - 0.06, 1), (0, floor - 0.045),
                 (0.3, floor), (0.75, floor), (0.99, floor - 0.05), (1, y + 0.01), (0.6, floor - 0.07),
                 (0.2, floor - 0.08), (-0.5, y + 0.01)]
    sole = Part(closed(*tread), Cloth(rubber, gloss=0.3, weave=0.01), bulge=0.6, wrinkle=0)
    sole.seam((-1, y + 0.05), (0, y + 0.06), (0.75, y + 0.06), (1.05, y), width=0.009)
    lining = closed((-0.89, top), (-0.6, top - 0.05), (shaft + 0.03, top - 0.05), (shaft, top + 0.02),
                    (-0.6, top + 0.12))
    tongue = closed((shaft - 0.12, top + 0.1), (shaft - 0.1, top - 0.1), (shaft + 0.01, top - 0.13),
                    (shaft + 0.06, top + 0.1))
    stay = np.concatenate([curve(instep), np.add(curve(instep), (-0.1, 0.13))[::-1]])
    upper.marks.append((stay, 0, cloth.tone(rng.choice([0.7, 0.85, 1.15]))))
    upper.stitch((0.6, y), (0.42, y - 0.1), (0.36, -0.04))
    upper.stitch((-0.5, y), (-0.55, y - 0.18), (-0.75, y - 0.24), (-1, y - 0.26))
    if other or (kind == "sneaker" and rng.random() < 0.5):
        for x in (-0.36, -0.2):
            upper.seam((x + 0.12, -0.1), (x - 0.04, y + 0.05), width=0.06, colour=other.colour if other else rubber)
    for x, depth in ((0.42, -0.8), (0.54, -0.6)):
        upper.fold((x - 0.06, -0.06), (x, 0.06), (x - 0.08, y), width=0.035, depth=depth)
    lace, path = (0.88, 0.88, 0.86) if sport and rng.random() < 0.6 else cloth.tone(1.7), curve(instep)
    for x, v in path[np.linspace(2, len(path) - 2, {"sneaker": 5, "oxford": 4}.get(kind, 7)).astype(int)]:
        upper.seam((x + 0.02, v - 0.01), (x - 0.07, v + 0.1), width=0.032, colour=lace)
    return [Part(lining, cloth.plain(0.4), 0), Part(tongue, cloth.plain(1.15), 0.8, 0), upper, sole]


def pump(cloth: Cloth, lift: float, thin: float) -> list[Part]:
    """A pump with its heel `lift` high and `thin`, or a ballerina with almost none."""
    y = 0.3 - lift
    tread = curve([(-0.86, y), (-0.5, y + 0.06), (-0.05, 0.25), (0.4, 0.31), (0.94, 0.31)])
    upper = Part(closed((-0.88, y + 0.04, 1), (-0.93, y - 0.15), (-0.86, y - 0.34, 1), (-0.55, y - 0.14), (-0.15, 0.09),
                        (0.2, 0.13), (0.42, 0.04, 1), (0.74, 0.12), (0.97, 0.25), (0.94, 0.32), (0.4, 0.315),
                        (-0.05, 0.27), (-0.5, y + 0.09)), cloth, bulge=1.3, wrinkle=0.2)
    upper.seam((-0.86, y - 0.31), (-0.55, y - 0.11), (-0.15, 0.12), (0.2, 0.16), (0.42, 0.07))
    lining = closed((-0.86, y - 0.33), (-0.5, y - 0.2), (0, 0.03), (0.42, 0.03), (0.2, 0.17), (-0.3, 0.11),
                    (-0.7, y - 0.08))
    stem = [(-0.84, 0.345, 1), (-0.84 + thin, 0.345, 1)] if lift > 0.1 else [(-0.88, 0.345, 1), (-0.6, 0.345, 1)]
    bow = np.concatenate([disc(0.4, 0.06, 0.07, 0.035), disc(0.52, 0.07, 0.07, 0.035)])
    return [Part(lining, Cloth((0.72, 0.6, 0.48)), 0.2, 0),
            Part(closed((-0.9, y, 1), *stem, (-0.58, y + 0.07, 1)), cloth, wrinkle=0),
            Part(np.concatenate([tread, np.add(tread, (0, 0.035))[::-1]]), cloth.plain(0.6), 0.2, 0),
            upper, *([Part(bow, cloth.plain(1.2), 0.6, 0)] if lift < 0.1 else [])]


# fmt: on
GARMENTS: dict[str, Callable[..., list[Part]]] = {f.__name__: f for f in (dress, pants, shirt, shoes, shorts)}

# ------------------------------------------------------------------------------------------------------ colour

BLACKS = [(0.08, 0.08, 0.09), (0.11, 0.105, 0.105), (0.14, 0.14, 0.145), (0.18, 0.175, 0.175), (0.24, 0.235, 0.24)]
BLUES = [(0.1, 0.14, 0.34), (0.13, 0.25, 0.56), (0.16, 0.36, 0.74), (0.3, 0.5, 0.78), (0.55, 0.7, 0.88),
         (0.24, 0.36, 0.55), (0.08, 0.1, 0.25), (0.18, 0.45, 0.62)]  # fmt: skip
DENIMS = [(0.21, 0.31, 0.47), (0.36, 0.49, 0.65), (0.13, 0.18, 0.31)]
TWILIGHT = {"black": (0.1, 0.11, 0.155), "blue": (0.095, 0.11, 0.19)}  # either could be the other
SKINS = [(0.86, 0.84, 0.81), (0.62, 0.6, 0.58), (0.85, 0.68, 0.56), (0.66, 0.48, 0.37), (0.42, 0.29, 0.22)]
PATTERNS = ["plain"] * 12 + ["stripes", "stripes", "pinstripe", "check", "dots", "dots"]


def cut(rng: Random, colour: str, garment: str) -> Cloth:
    """A plausible cloth of that colour for that garment."""
    denim = rng.random() < {"pants": 0.4, "shorts": 0.4, "shirt": 0.1}.get(garment, 0)
    shades = BLACKS if colour == "black" else DENIMS if denim else BLUES
    base = np.array(pick(rng, shades)) * rng.uniform(0.85, 1.15) + rng.normal(0, 0.008, 3)
    base = tuple(np.clip(base, 0.03, 0.95))
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


# ------------------------------------------------------------------------------------------------- the painter


def as_float(image: Image.Image) -> np.ndarray:
    return np.asarray(image, np.float32) / 255


def blurred(image: Image.Image, radius: float) -> np.ndarray:
    return as_float(image.filter(ImageFilter.GaussianBlur(float(radius))))


class Canvas:
    """Paints parts back to front under one light. `colour` (224, 224, 3) is premultiplied by `alpha` (224, 224)."""

    def __init__(self, rng: Random, parts: Sequence[Part]):
        self.colour = np.zeros((SIZE, SIZE, 3), np.float32)
        self.alpha = np.zeros((SIZE, SIZE), np.float32)
        self.noise = Image.fromarray(rng.standard_normal((360, 360), np.float32))
        light = np.array([rng.uniform(-0.8, 0.8), rng.uniform(-0.65, -0.25), 1])
        self.light = light / np.linalg.norm(light)
        self.turn, self.sway = rng.normal(0, 0.05), (rng.normal(0, 0.014, 2), rng.uniform(0, 6, 2))
        points = self.posed(np.concatenate([p.outline for p in parts]))
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

    def paint(self, part: Part) -> None:
        points = np.array(self.lines(part.outline, (0, 0, SIZE, SIZE))).reshape(-1, 2)
        (x0, y0), (x1, y1) = np.floor(points.min(0)) - 8, np.ceil(points.max(0)) + 8
        box = tuple(int(v) for v in (max(x0, 0), max(y0, 0), min(x1, SIZE), min(y1, SIZE)))
        stencil = Image.new("L", ((box[2] - box[0]) * FINE, (box[3] - box[1]) * FINE))
        ImageDraw.Draw(stencil).polygon(self.lines(part.outline, box, FINE), fill=255)
        stencil = stencil.reduce(FINE)
        swell = blurred(stencil, max(2.0, 0.16 * (min(stencil.size) - 16)))
        shade, shine = self.lit(self.relief(part, swell, box), part.cloth.gloss)
        surface = self.marked(part, self.dyed(part, box, swell), box) * shade[..., None] + shine[..., None]
        mask = as_float(stencil)
        shadow = 0.5 * np.roll(blurred(stencil, 4), (2, int(-3 * self.light[0])), (0, 1))  # on the parts behind
        here = np.s_[box[1] : box[3], box[0] : box[2]]
        self.colour[here] = self.colour[here] * ((1 - shadow) * (1 - mask))[..., None] + surface * mask[..., None]
        self.alpha[here] = 1 - (1 - self.alpha[here]) * (1 - mask)

    def relief(self, part: Part, swell: np.ndarray, box: Box) -> np.ndarray:
        """Height in pixels: the cushion, its folds, its wrinkles and its weave."""
        reach = max(2.0, 0.16 * (min(swell.shape) - 16))
        height = part.bulge * 1.6 * reach * swell
        if part.folds:
            creases = Image.new("L", swell.shape[::-1], 128)
            pen = ImageDraw.Draw(creases)
            for path, width, depth in part.folds:
                tone = int(np.clip(128 + 60 * depth, 0, 255))
                pen.line(self.lines(path, box), fill=tone, width=max(1, round(width * self.scale)), joint="curve")
            height = height + (blurred(creases, 0.022 * self.scale) - 0.5) * 16
        if part.wrinkle:
            grain, hang = self.scale / 90, part.drape + self.turn
            broad = self.texture(box, hang, 30 * grain, 11 * grain)
            fine = self.texture(box, hang + 0.6, 14 * grain, 6 * grain)
            height = height + part.wrinkle * (0.9 * broad + 0.13 * fine)
        return height + self.texture(box, part.drape, 1.3, 1.3) * part.cloth.weave

    def lit(self, height: np.ndarray, gloss: float) -> tuple[np.ndarray, np.ndarray]:
        """The factor of diffuse light, and the highlight to add."""
        gy, gx = np.gradient(height)
        norm = 1 / np.sqrt(gx * gx + gy * gy + 1)
        half = np.add(self.light, (0, 0, 1))
        half /= np.linalg.norm(half)
        facing, mirror = (np.maximum((v[2] - gx * v[0] - gy * v[1]) * norm, 0) for v in (self.light, half))
        shade = 0.28 + 0.72 * facing / self.light[2]
        return shade, gloss * 0.4 * mirror**24 + 0.09 * np.maximum(shade - 1, 0)  # even black cloth has a sheen

    def dyed(self, part: Part, box: Box, swell: np.ndarray) -> np.ndarray:
        """The cloth's colour and pattern over the box, (height, width, 3)."""
        cloth, (x0, y0, x1, y1) = part.cloth, box
        base, second = np.array(cloth.colour, np.float32), np.array(cloth.second, np.float32)
        grain = 1 + cloth.weave * self.texture(box, 0.6, 1.6, 0.9) + cloth.fade * (swell * 2 - 1.1)
        if cloth.pattern == "plain":
            return base * grain[..., None]
        y, x = np.mgrid[y0:y1, x0:x1].astype(np.float32)
        x, y = (x - self.origin[0]) / self.scale, (y - self.origin[1]) / self.scale
        c, s = math.cos(part.drape + self.turn), math.sin(part.drape + self.turn)
        share = woven(cloth.pattern, c * x + s * y, c * y - s * x, cloth.period, cloth.period * self.scale)[..., None]
        return (base + (second - base) * share) * grain[..., None]

    def marked(self, part: Part, surface: np.ndarray, box: Box) -> np.ndarray:
        """Seams, stitches and buttons over the surface."""
        if not part.marks:
            return surface
        ink = Image.new("RGBA", ((box[2] - box[0]) * FINE, (box[3] - box[1]) * FINE))
        pen = ImageDraw.Draw(ink)
        for path, width, colour in part.marks:
            fill = (*(int(255 * min(1, c)) for c in colour), 255)
            if width:
                pen.line(self.lines(path, box, FINE), fill, max(2, round(width * self.scale * FINE)), joint="curve")
            else:
                pen.polygon(self.lines(path, box, FINE), fill)
        ink = as_float(ink.reduce(FINE))  # premultiplied, since empty pixels are zero
        return surface * (1 - ink[..., 3:]) + ink[..., :3]

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


def draw(label: str, seed: int, index: int) -> Image.Image:
    """Photo `index` of class `label` ("blue_dress"), RGB, 224 × 224: the same three give the same pixels."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, CLASSES.index(label), index]))
    colour, garment = label.split("_")
    two, hard = rng.random() < TWO_COLOURED.get(garment, 0.02), rng.random() < HARD.get(garment, 0.03)
    trick = pick(rng, ("twilight", "dim", "cut")[: 2 if garment == "shoes" else 3]) if hard else ""
    cloth = cut(rng, colour, garment)
    if trick == "twilight":
        cloth = replace(cloth, colour=TWILIGHT[colour], pattern="plain", fade=0, stitch=None)
    other = cut(rng, "blue" if colour == "black" else "black", garment) if two else None
    parts = GARMENTS[garment](rng, cloth, other, trick == "cut")
    canvas = Canvas(rng, parts)
    for part in parts:
        canvas.paint(part)
    photo = canvas.backdrop(rng) * (1 - canvas.alpha[..., None]) + canvas.colour
    exposure, cast = rng.uniform(0.92, 1.06), 1 + rng.normal(0, 0.02, 3)
    if trick == "dim":
        exposure, cast = rng.uniform(0.5, 0.62), np.add(cast, (-0.06, 0, 0.08))
    photo = photo * (cast * exposure).astype(np.float32) + rng.standard_normal((SIZE, SIZE, 1), np.float32) * 0.008
    return Image.fromarray((np.clip(photo, 0, 1) * 255 + 0.5).astype(np.uint8))


def render(out: Path, per_class: int = 60, seed: int = 0, progress: Progress = None) -> None:
    """Draw `per_class` photos of every class as out/<class>/<class>_000.jpg and on; a marker file comes last."""
    if per_class < 1 or seed < 0:
        raise UserError(f"Ask for at least 1 photo a class and a seed of 0 or more, not {per_class} and {seed}.")
    out = Path(out)
    try:
        (out / MARKER).unlink(missing_ok=True)
        for label in CLASSES:
            (out / label).mkdir(parents=True, exist_ok=True)
        jobs = [(label, index) for label in CLASSES for index in range(per_class)]

        def save(job: tuple[str, int]) -> None:
            label, index = job
            draw(label, seed, index).save(out / label / f"{label}_{index:03d}.jpg", quality=90)

        # Threads, not processes: forking is unsafe inside the web server, and Pillow and NumPy release the lock.
        with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
            for done, _ in enumerate(pool.map(save, jobs), 1):
                if progress:
                    progress(done, len(jobs), "photos drawn")
        (out / MARKER).write_text(f"{per_class} photos a class, seed {seed}\n")
    except OSError as problem:
        reason = f"Cannot write the sample set to {out} ({problem.strerror}): choose another folder."
        raise UserError(reason) from problem


def ensure(progress: Progress = None, per_class: int = 60, seed: int = 0) -> Path:
    """A sample set below home()/data: drawn at the first call, by one process if several ask at once.

    The default one is data/sample; another says in its name what it is.
    """
    name = "sample" if (per_class, seed) == (60, 0) else f"sample-{per_class}-seed-{seed}"
    folder = home() / "data" / name
    if (folder / MARKER).exists():
        return folder
    from filelock import FileLock

    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.parent / f".{name}.lock"):
        if (folder / MARKER).exists():  # drawn while we waited
            return folder
        if folder.exists():
            raise UserError(f"{folder} is not a finished sample set: move or delete that folder, then try again.")
        beside = folder.parent / f".{name}.part"
        shutil.rmtree(beside, ignore_errors=True)  # left by a process that was killed
        render(beside, per_class, seed, progress)
        beside.rename(folder)
    return folder


def made(folder: Path) -> dict[str, int] | None:
    """per_class and seed of the sample set in `folder`; None where it holds other photos."""
    marker = folder / MARKER
    found = re.fullmatch(r"(\d+) photos a class, seed (\d+)\n", marker.read_text()) if marker.is_file() else None
    return {"per_class": int(found[1]), "seed": int(found[2])} if found else None


def drawn_digests(folder: Path) -> dict[str, str]:
    return {}
