"""The five garments, each a list of pieces, back to front, and what several of them share."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from fashion_core.photos.sample.cloth import SKINS, Cloth, Colour, Piece
from fashion_core.photos.sample.shapes import Points, Random, both, closed, curve, disc, pick, tube

# Outlines are tables of points (x, y and, at a corner, a 1): the formatter would put each on its own line.
# fmt: off


def sleeves(rng: Random, cloth: Cloth, shoulder, armpit, long: bool, cuff: float, reach: float = 1.0) -> list[Piece]:
    """Both sleeves, from the armhole outwards and down; `reach` scales their length."""
    length = reach * (rng.uniform(0.95, 1.1) if long else rng.uniform(0.3, 0.44))
    angle = rng.uniform(0.2, 0.55) if long else rng.uniform(0.5, 0.85)
    out, down = (np.array([math.sin(a), math.cos(a)]) for a in (angle, angle - rng.uniform(0, 0.3) * long))
    top, pit = np.array(shoulder), np.array(armpit)
    elbow = top + out * length / 2
    end = elbow + down * length / 2
    inner = end + np.array([-down[1], down[0]]) * cuff
    within = pit + (inner - pit) * 0.45 + np.array([out[1], -out[0]]) * 0.02
    piece = Piece(closed((*top, 1), np.add(top + out * 0.1, (0.016, -0.006)), np.add(elbow, (0.012, 0)), (*end, 1),
                       (*inner, 1), within, (*pit, 1), pit - (0.15, 0.1)), cloth, drape=-angle, bulge=1.1)
    for t in rng.uniform(0.1, 0.85, 5 if long else 2):
        a, b = top + (end - top) * t, pit + (inner - pit) * (t + rng.uniform(-0.05, 0.15))
        piece.fold(a * 0.75 + b * 0.25, np.add((a + b) / 2, (0, 0.02)), b, width=0.03, depth=rng.uniform(-1.1, 0.4))
    hem = 0.06 if long else 0.035
    piece.stitch(end - down * hem, inner - down * hem)
    return piece.with_mirror()


def inside(cloth: Cloth, neck: float, top: float, low: float) -> Piece:
    """The back of the neckline, seen through the front, with its label."""
    outline = both((0, top - 0.06), (neck * 0.8, top - 0.04), (neck, top, 1), (0, low + 0.03))
    piece = Piece(outline, cloth.plain(0.5), 0.2)
    piece.marks.append((disc(0, top - 0.005, 0.032, 0.016), 0, (0.72, 0.71, 0.68)))
    return piece


def collar(cloth: Cloth, neck: float, top: float, low: float) -> list[Piece]:
    leaf = Piece(closed((0, low, 1), (neck * 0.75, low + 0.14, 1), (neck + 0.07, top + 0.06, 1),
                       (neck + 0.01, top - 0.05), (neck * 0.85, top - 0.06, 1)), cloth, 0.5, 0.3)
    leaf.seam((0.02, low + 0.01), (neck * 0.74, low + 0.115), (neck + 0.05, top + 0.055), width=0.008)
    return leaf.with_mirror()


def placket(piece: Piece, rng: Random, top: float, bottom: float, count: int) -> None:
    """A buttoned front edge."""
    piece.seam((0.045, top), (0.045, bottom))
    piece.seam((-0.045, top), (-0.045, bottom), width=0.006)
    pearl = sum(piece.cloth.colour) < 1.2 and rng.random() < 0.4
    for y in np.linspace(top + 0.08, bottom - 0.1, count):
        piece.button(0, y, (0.82, 0.8, 0.76) if pearl else piece.cloth.tone(1.5))


def hanger(neck: float, top: float, wide: float) -> list[Piece]:
    wood, wire = Cloth((0.6, 0.44, 0.3), gloss=0.4), Cloth((0.62, 0.62, 0.63), gloss=1.0)
    hook = curve([(0, top), (0, top - 0.14), (0.05, top - 0.19), (0, top - 0.26), (-0.06, top - 0.22)])
    edge = np.concatenate([np.add(hook, (0.011, 0.004)), (hook - (0.011, 0.004))[::-1]])
    bar = both((0, top - 0.035), (neck, top - 0.01), (wide, top + 0.1, 1), (neck, top + 0.06), (0, top + 0.03))
    return [Piece(edge, wire, wrinkle=0), Piece(bar, wood, wrinkle=0)]


def mannequin(rng: Random, hips: float, top: float, floor: float, *more: Piece) -> list[Piece]:
    """A shop mannequin's legs from y = `top` down to the floor, and `more` of it in the same tone."""
    tone = Cloth(pick(rng, SKINS), gloss=0.25, weave=0.005)
    x, w, knee, calf = hips * 0.5, hips * 0.44, top + (floor - top) * 0.42, top + (floor - top) * 0.6
    leg = closed((x - w, top, 1), (x + w, top, 1), (x + w * 0.62, knee), (x + w * 0.66, calf),
                 (x + w * 0.3, floor - 0.12), (x + w * 0.42, floor, 1), (x - w * 0.38, floor, 1),
                 (x - w * 0.3, floor - 0.12), (x - w * 0.5, calf), (x - w * 0.55, knee))
    foot = closed((x - w * 0.3, floor - 0.1), (x + w * 0.3, floor - 0.1), (x + w * 0.6, floor + 0.04),
                  (x + w * 0.1, floor + 0.07), (x - w * 0.45, floor + 0.04))
    lower = [Piece(leg, tone, wrinkle=0), Piece(foot, tone.plain(0.92, gloss=0.3), wrinkle=0)]
    return [*(p for piece in lower for p in piece.with_mirror()), *(replace(p, cloth=tone, wrinkle=0) for p in more)]


def shirt(rng: Random, cloth: Cloth, other: Cloth | None, near: bool) -> list[Piece]:
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
    trunk = Piece(both(front, (neck, -0.83, 1), (shoulder[0] * 0.8, shoulder[1] - 0.055), (*shoulder, 1), armhole[1],
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
    pieces = [*(hanger(neck, -0.85, wide * 0.8) if rng.random() < 0.25 else []), inside(cloth, neck, -0.83, front[1])]
    if kind != "tank":
        long = kind == "sweater" or rng.random() < (0.6 if buttoned else 0.2)
        pieces += sleeves(rng, trim, shoulder, pit, long, 0.16 if long else 0.3)
    pieces.append(trunk)
    if kind in ("button", "polo"):
        placket(trunk, rng, low, hem if buttoned else -0.35, 7 if buttoned else 3)
        pieces += collar(trim, neck, -0.83, low + 0.02)
    if rng.random() < (0.7 if buttoned else 0.15):
        x, y = wide * 0.5, -0.25
        trunk.stitch((x - 0.1, y - 0.1, 1), (x + 0.1, y - 0.1, 1), (x + 0.1, y + 0.09, 1), (x, y + 0.13, 1),
                     (x - 0.1, y + 0.09, 1), (x - 0.1, y - 0.1, 1))
    return pieces


def dress(rng: Random, cloth: Cloth, other: Cloth | None, near: bool) -> list[Piece]:
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
    pieces = [skirt] if top == "strap" else [inside(upper, neck, -0.97, low), skirt]
    bare, worn = top in ("strap", "tank"), rng.random() < 0.35
    if worn:
        throat = both((0, -1.17), (0.07, -1.16, 1), (0.075, -1), (wide * 0.8, -0.9), (bust, -0.6), (0, -0.5))
        arm = Piece(tube((wide * 0.92, -0.84), (wide + 0.1, -0.45), (wide + 0.1, 0), 0.065, 0.035), cloth)
        arms = arm.with_mirror() if bare else []
        pieces = mannequin(rng, waist + 0.06, min(0.2, length - 0.15), 1.35, Piece(throat, cloth), *arms) + pieces
    elif rng.random() < 0.3:
        pieces = hanger(neck, -0.99, wide * 0.8) + pieces
    if top == "strap":
        strap = tube((bust * 0.62, -0.7), (bust * 0.6, -0.86), (bust * 0.45, -1.02), 0.016, 0.016)
        pieces += Piece(strap, upper, wrinkle=0).with_mirror()
    elif not bare:
        long = top == "long" or rng.random() < 0.2
        pieces += sleeves(rng, upper, (wide, -0.9), (bust, -0.6), long, 0.13 if long else 0.24, reach=0.8)
    pieces.append(bodice)
    if near:
        placket(bodice, rng, low, line + 0.02, 5)
        placket(skirt, rng, line, length, 5)
        pieces += collar(upper, neck, -0.97, low + 0.02)
    elif rng.random() < 0.45:
        side = waist + 0.01
        belt = both((0, line - 0.03), (side, line - 0.04, 1), (side, line + 0.035, 1), (0, line + 0.045))
        pieces.append(Piece(belt, other.plain() if other else cloth.plain(0.6, gloss=0.5), wrinkle=0.2))
    return pieces


def bodiced(cloth: Cloth, top: str, waist, line, bust, wide, neck, low) -> Piece:
    """From the neck, which dips to `low`, to the waist at y = `line`."""
    edge = wide * (0.82 if top == "tank" else 1)
    half = [(0, low, 1) if top == "wrap" else (0, low), (neck, -0.97, 1), (edge, -0.9, 1), (edge * 0.93, -0.75),
            (bust, -0.6, 1)]
    if top == "strap":
        half = [(0, -0.72, 1), (0.1, -0.76), (bust * 0.75, -0.72, 1), (bust, -0.6)]
    bodice = Piece(both(*half, (waist, line, 1), (0, line + 0.02)), cloth, wrinkle=0.8)
    bodice.fold((bust * 0.95, -0.52), (bust * 0.5, -0.5), width=0.04, depth=-0.9)
    bodice.fold((bust * 0.5, -0.48), (waist * 0.55, line), width=0.03, depth=-0.8)
    bodice.fold((bust * 0.7, -0.62), (bust * 0.5, -0.56), (bust * 0.2, -0.58), width=0.1, depth=0.3)
    bodice.seam((0, line + 0.008), (waist, line - 0.01))
    bodice.double()
    if top == "wrap":
        bodice.seam((-neck, -0.97), (0.02, low), (waist * 0.8, line), width=0.016)
    return bodice


def skirted(rng: Random, cloth: Cloth, waist, line, length, flare) -> Piece:
    """The skirt; the more it flares, the more its hem waves and the deeper its folds."""
    hips, hem = waist + 0.09 + flare * 0.25, waist + 0.1 + flare
    x = np.linspace(hem, -hem, 5 + 2 * int(flare * 12))[1:-1]
    wave = np.where(np.arange(len(x)) % 2, 1, -1) * (0.008 + 0.05 * flare) + 0.05 * (1 - (x / hem) ** 2)
    hemline = np.stack([x, length + wave * rng.uniform(0.8, 1.2, len(x))], 1)
    skirt = Piece(closed((0.01 - waist, line - 0.05, 1), (waist - 0.01, line - 0.05, 1), (waist, line, 1),
                        (hips, line + 0.28), (hem, length, 1), *hemline, (-hem, length, 1), (-hips, line + 0.28),
                        (-waist, line, 1)), cloth, bulge=0.9, wrinkle=0.7)
    for t in np.linspace(-0.88, 0.88, 5 + int(flare * 26)):
        t += rng.uniform(-0.05, 0.05)
        skirt.fold((t * waist * 0.9, line + rng.uniform(0.02, 0.3)), (t * (waist + hem) * 0.52, (line + length) / 2),
                   (t * hem, length + 0.05), width=rng.uniform(0.03, 0.06) * (1 + flare),
                   depth=rng.uniform(-1.4, -0.5) * (0.4 + 2 * flare))
    return skirt


def pants(rng: Random, cloth: Cloth, other: Cloth | None, near: bool) -> list[Piece]:
    """Nearly shorts: cropped below the knee."""
    kind = rng.choice(["skinny", "straight", "straight", "wide", "jogger", "cargo"])
    length, gap = 0.5 if near else rng.uniform(0.9, 1.08), rng.uniform(0.02, 0.09)
    width = {"skinny": 0.17, "straight": 0.24, "wide": 0.38, "jogger": 0.18, "cargo": 0.28}[kind]
    width *= rng.uniform(0.94, 1.08)
    knee = gap * 0.6 + 0.45 * width + 0.17
    return trousers(rng, cloth, other, kind, length, rng.uniform(0.27, 0.31), gap, knee, gap + width)


def shorts(rng: Random, cloth: Cloth, other: Cloth | None, near: bool) -> list[Piece]:
    """Nearly pants: long, to the knee."""
    kind = rng.choice(["straight", "straight", "wide", "jogger", "cargo"])
    length = 0.36 if near else rng.uniform(-0.2, 0.1)
    hem = 0.37 + {"wide": 0.12, "cargo": 0.08}.get(kind, 0.05) + rng.uniform(-0.02, 0.03) - 0.1 * max(0, length)
    waist, gap = rng.uniform(0.3, 0.34), rng.uniform(0.02, 0.06)
    pieces = trousers(rng, cloth, other, kind, length, waist, gap, 0.11 + 0.7 * hem, hem)
    return mannequin(rng, 0.37, -0.5, 1.05) + pieces if rng.random() < 0.3 else pieces


def trousers(rng: Random, cloth: Cloth, other: Cloth | None, kind: str, length, waist, gap, knee, hem) -> list[Piece]:
    """Waistband at y = -1, crotch near -0.4, hems at y = `length`. A leg reaches from `gap` out to `hem`, at half
    height to `knee`, from the middle."""
    hip, crotch = rng.uniform(0.335, 0.37), rng.uniform(-0.42, -0.34)
    half, turned = (crotch + length) / 2, length - (0.1 if kind == "jogger" else 0.045)
    thigh = [(hip + 0.005, crotch - 0.06)] if length > 0.45 else []
    legs = Piece(both((0, -0.93), (waist, -0.95, 1), (hip - 0.005, -0.66), *thigh, (knee, half),
                      (hem, length - 0.01, 1), (gap, length + 0.015, 1), (gap * 0.6, half), (0.01, crotch + 0.03, 1),
                      (0, crotch)), cloth, 1.1)
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
    band = Piece(both((0, -1.03), (waist - 0.01, -1.05, 1), (waist + 0.004, -0.945, 1), (0, -0.925)), other or cloth,
                 1, 0.3)
    pieces = [Piece(disc(0, -1.035, waist - 0.02, 0.035), cloth.plain(0.4), bulge=0), legs, band]
    if kind == "cargo":
        x, y = (knee - 0.11, length - 0.19) if length < 0.45 else (knee - 0.09, half - 0.1)
        pieces[2:2] = cargo_pocket(cloth, x, y).with_mirror()
    if kind == "jogger":
        for x in np.linspace(-waist, waist, 17):
            band.seam((x, -1.05), (x, -0.92), width=0.007)
        cords = [tube((x, -0.98), (x * 2.4, -0.86), (x * 1.6, -0.72 + x), 0.01, 0.01) for x in (-0.03, 0.035)]
        return pieces + [Piece(cord, Cloth((0.85, 0.85, 0.83)), wrinkle=0) for cord in cords]
    legs.stitch((0.055, -0.93), (0.06, -0.7), (0, -0.58))
    band.button(0.02, -0.985, (0.66, 0.55, 0.35) if cloth.stitch else cloth.tone(1.7))
    x = 0.72 * waist
    return pieces + Piece(tube((x, -1.06), (x, -1), (x, -0.92), 0.016, 0.016), cloth, wrinkle=0).with_mirror()


def cargo_pocket(cloth: Cloth, x: float, y: float) -> Piece:
    pocket = Piece(closed((x - 0.1, y - 0.12, 1), (x + 0.11, y - 0.12, 1), (x + 0.12, y + 0.12, 1),
                         (x - 0.09, y + 0.13, 1)), cloth, 0.8, 0.5)
    pocket.seam((x - 0.12, y - 0.05), (x + 0.13, y - 0.05), width=0.016)
    pocket.button(x, y - 0.045, cloth.tone(1.4))
    return pocket


def shoes(rng: Random, cloth: Cloth, other: Cloth | None, near: bool) -> list[Piece]:
    """One shoe or a pair from the side on a floor at y = 0.34, the toe to the right unless mirrored."""
    kind = rng.choice(["sneaker", "sneaker", "high-top", "boot", "heel", "oxford", "flat"])
    leather = replace(cloth.plain(gloss=rng.uniform(0.5, 1)), weave=0.01)
    if kind in ("heel", "flat"):
        one = pump(leather, 0.05 if kind == "flat" else rng.uniform(0.28, 0.5), rng.uniform(0.03, 0.1))
    else:
        one = laced(rng, leather if kind in ("boot", "oxford") else cloth, other, kind)
    if rng.random() < 0.5:
        shift = (rng.uniform(0.2, 0.45) * rng.choice([-1, 1]), rng.uniform(-0.28, -0.2))
        one = [piece.mapped(lambda p: np.add(p, shift)) for piece in one] + one
    turn = rng.choice([-0.84, 0.84])
    return [piece.mapped(lambda p: p * (turn, 1), drape=np.sign(turn)) for piece in one]


def laced(rng: Random, cloth: Cloth, other: Cloth | None, kind: str) -> list[Piece]:
    """Sneakers, high-tops, boots and oxfords: lining, tongue, upper with laces, sole."""
    sport, floor = kind in ("sneaker", "high-top"), 0.34
    top = {"sneaker": -0.3, "oxford": -0.24, "high-top": -0.62, "boot": rng.choice([-0.75, -1.15])}[kind]
    top, y = top + rng.uniform(-0.04, 0.04), floor - (rng.uniform(0.15, 0.22) if sport else rng.uniform(0.1, 0.15))
    rubber = (0.9, 0.89, 0.86) if sport and rng.random() < 0.65 else pick(rng, [(0.12, 0.11, 0.11), (0.55, 0.4, 0.26)])
    shaft = -0.28 if top < -0.5 else -0.16
    instep = [(shaft, top - 0.06), (shaft + 0.07, min(-0.26, top + 0.24)), (0.14, -0.19), (0.4, -0.06)]
    upper = Piece(closed((-0.92, y + 0.05, 1), (-0.95, y - 0.18), (-0.87, (top + y) / 2 - 0.1), (-0.9, top, 1),
                        (-0.62, top + 0.07), (*instep[0], 1), *instep[1:], (0.68, -0.02), (0.9, 0.05), (0.99, y - 0.03),
                        (0.98, y + 0.05, 1)), cloth, bulge=1.2, wrinkle=0.4)
    tread: list[tuple[float, ...]]
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
    sole = Piece(closed(*tread), Cloth(rubber, gloss=0.3, weave=0.01), bulge=0.6, wrinkle=0)
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
    lace = (0.88, 0.88, 0.86) if sport and rng.random() < 0.6 else cloth.tone(1.7)
    lace_up(upper, curve(instep), {"sneaker": 5, "oxford": 4}.get(kind, 7), lace)
    return [Piece(lining, cloth.plain(0.4), 0), Piece(tongue, cloth.plain(1.15), 0.8, 0), upper, sole]


def lace_up(upper: Piece, instep: Points, count: int, colour: Colour) -> None:
    """So many laces across the upper, along the instep."""
    for x, v in instep[np.linspace(2, len(instep) - 2, count).astype(int)]:
        upper.seam((x + 0.02, v - 0.01), (x - 0.07, v + 0.1), width=0.032, colour=colour)


def pump(cloth: Cloth, lift: float, thin: float) -> list[Piece]:
    """A pump with its heel `lift` high and `thin`, or a ballerina with almost none."""
    y = 0.3 - lift
    tread = curve([(-0.86, y), (-0.5, y + 0.06), (-0.05, 0.25), (0.4, 0.31), (0.94, 0.31)])
    upper = Piece(closed((-0.88, y + 0.04, 1), (-0.93, y - 0.15), (-0.86, y - 0.34, 1), (-0.55, y - 0.14),
                          (-0.15, 0.09), (0.2, 0.13), (0.42, 0.04, 1), (0.74, 0.12), (0.97, 0.25), (0.94, 0.32),
                          (0.4, 0.315), (-0.05, 0.27), (-0.5, y + 0.09)), cloth, bulge=1.3, wrinkle=0.2)
    upper.seam((-0.86, y - 0.31), (-0.55, y - 0.11), (-0.15, 0.12), (0.2, 0.16), (0.42, 0.07))
    lining = closed((-0.86, y - 0.33), (-0.5, y - 0.2), (0, 0.03), (0.42, 0.03), (0.2, 0.17), (-0.3, 0.11),
                    (-0.7, y - 0.08))
    stem = [(-0.84, 0.345, 1), (-0.84 + thin, 0.345, 1)] if lift > 0.1 else [(-0.88, 0.345, 1), (-0.6, 0.345, 1)]
    bow = np.concatenate([disc(0.4, 0.06, 0.07, 0.035), disc(0.52, 0.07, 0.07, 0.035)])
    return [Piece(lining, Cloth((0.72, 0.6, 0.48)), 0.2, 0),
            Piece(closed((-0.9, y, 1), *stem, (-0.58, y + 0.07, 1)), cloth, wrinkle=0),
            Piece(np.concatenate([tread, np.add(tread, (0, 0.035))[::-1]]), cloth.plain(0.6), 0.2, 0),
            upper, *([Piece(bow, cloth.plain(1.2), 0.6, 0)] if lift < 0.1 else [])]


# fmt: on
GARMENTS: dict[str, Callable[..., list[Piece]]] = {f.__name__: f for f in (dress, pants, shirt, shoes, shorts)}
