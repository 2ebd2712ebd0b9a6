"""Outlines in garment units: curves through points, mirrored halves, tubes and discs."""

from collections.abc import Sequence

import numpy as np

Points = np.ndarray  # (n, 2), x to the right and y down, in garment units: a garment is about 2 high
Random = np.random.Generator


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
    return choices[int(rng.integers(len(choices)))]


def disc(x: float, y: float, rx: float, ry: float | None = None) -> Points:
    a = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    return np.stack([x + rx * np.cos(a), y + (ry or rx) * np.sin(a)], 1)
