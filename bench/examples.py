"""Make the photos of examples/ anew: python -m bench.examples CLOTHING [OUT].

CLOTHING is a copy of clothing-dataset-small (CC0) with its train/ and validation/; OUT (default: examples/) holds
labels.csv, which names each photo's source file, colour and garment. Photos that labels.csv does not name are removed.
"""

import csv
import sys
from pathlib import Path

from PIL import Image

from fashion_core import UserError
from fashion_core.files import atomic_write
from fashion_core.photos import imaging

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
SIDE, QUALITY = 224, 85  # of the shorter side in pixels, and of the JPEG


def rows(out: Path) -> list[dict[str, str]]:
    """The lines of labels.csv: id, source, colour, garment, pass1, pass2, note."""
    with (out / "labels.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def photo(row: dict[str, str]) -> str:
    """Where the photo of a line lies in the folder."""
    return f"{row['colour']}_{row['garment']}/{row['id']}.jpg"


def reduced(image: Image.Image) -> Image.Image:
    """With a shorter side of SIDE pixels, or as it is where that would enlarge it."""
    scale = SIDE / min(image.size)
    if scale >= 1:
        return image
    width, height = (round(side * scale) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def export(source: Path, target: Path) -> None:
    """Write one photo as a JPEG in sRGB without EXIF, upright."""
    image = reduced(imaging.read(source))
    plain = Image.frombytes(image.mode, image.size, image.tobytes())  # pixels alone, no notes and no profile
    with atomic_write(target) as partial:
        plain.save(partial, "JPEG", quality=QUALITY, optimize=True)


def main(clothing: str, out: str | Path = EXAMPLES) -> None:
    """Write the photos, remove the others, print how many there are and their size."""
    root, out = Path(clothing), Path(out)
    lines = rows(out)
    if missing := [row["source"] for row in lines if not (root / row["source"]).is_file()]:
        raise UserError(f"{root} lacks {len(missing)} photos that labels.csv names, such as {missing[0]}.")
    for row in lines:
        export(root / row["source"], out / photo(row))
    wanted = {out / photo(row) for row in lines}
    for stray in set(out.glob("*/*.jpg")) - wanted:
        stray.unlink()
    for folder in out.iterdir():
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    size = sum(path.stat().st_size for path in wanted)
    print(f"{len(wanted)} photos, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:3])
    except UserError as error:
        sys.exit(str(error))
