"""A tile's thumbnail as WebP and as JPEG, and the page of a gallery: python -m bench.thumbnails [FOLDER] [--size 320]

Of some 48 photos of FOLDER, else of `examples/`: bytes, milliseconds of the processor to encode, and the likeness to
the pixels that went in (PSNR, in decibels; more is better). Photos that are not larger than a tile are made smaller
than they are: pixels that once were JPEG are kept best by JPEG. First comes what reading and resizing take.
"""

import argparse
import io
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from fashion_core.photos import imaging
from fashion_core.ui.gallery import TILE

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
FORMATS = {
    "JPEG, quality 88": {"format": "JPEG", "quality": 88},
    **{
        f"WebP, quality {quality}, method {method}": {"format": "WEBP", "quality": quality, "method": method}
        for quality in (80, 85)
        for method in (0, 2, 4)
    },
}
PHOTOS, PAGE, ROUNDS = 48, 24, 5


def timed(work: Callable[[], object]) -> float:
    """Milliseconds of the processor, the median of ROUNDS."""
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        times.append(1000 * (time.process_time() - began))
    return statistics.median(times)


def encoded(image: Image.Image, how: dict) -> bytes:
    out = io.BytesIO()
    image.save(out, **how)
    return out.getvalue()


def likeness(image: Image.Image, data: bytes) -> float:
    wrong = np.asarray(image, float) - np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), float)
    return 10 * np.log10(255**2 / np.square(wrong).mean())


def small(file: Path, size: int) -> Image.Image:
    image = imaging.read(file)
    side = min(size, round(0.87 * max(image.size)))
    image.thumbnail((side, side))
    return image


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=EXAMPLES)
    parser.add_argument("--size", type=int, default=TILE)
    options = parser.parse_args()
    files = sorted(each for each in options.folder.rglob("*") if each.suffix.lower() in (".jpg", ".jpeg", ".png"))
    files = files[:: -(-len(files) // PHOTOS)]
    images = [small(file, options.size) for file in files]
    read = timed(lambda: [small(file, options.size) for file in files]) / len(files)
    print(f"{len(files)} photos, reading and resizing {read:.2f} ms each")
    print(f"{'':28}{'kB':>8}{'ms':>8}{'dB':>8}{f'{PAGE} photos':>12}")
    for name, how in FORMATS.items():
        made = [encoded(image, how) for image in images]
        each = timed(lambda how=how: [encoded(image, how) for image in images]) / len(images)
        like = np.mean([likeness(image, data) for image, data in zip(images, made, strict=True)])
        size = sum(map(len, made)) / len(made) / 1000
        print(f"{name:28}{size:>8.1f}{each:>8.2f}{like:>8.1f}{PAGE * (read + each):>9.0f} ms")


if __name__ == "__main__":
    main()
