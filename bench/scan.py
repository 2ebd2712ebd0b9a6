"""The scan of a folder beside decoding its photos once: python -m bench.scan DIR [--rounds 3]

decode        every file opened by Pillow and decoded to RGB, in as many threads as the machine has cores
first scan    `scan.audit` with nothing kept: size, digest, thumbnail and near-duplicates of each photo
second scan   the same again, with nothing changed

In turn, by the clock; the ratio is to `decode`. Prints Markdown. The files come from the system's memory where they
fit: one round before fills it.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from bench.predict import in_turn, machine, ratio, table
from fashion_core.files import cache_folder, map_in_threads
from fashion_core.photos import scan


def decoded(file: Path) -> None:
    with Image.open(file) as image:
        image.convert("RGB")


def main(folder: Path, rounds: int) -> None:
    """Print the table."""
    with TemporaryDirectory() as home:
        os.environ["BUSANA_HOME"] = home
        files = [folder / path for path in scan.audit(folder).photos["path"]]

        def first() -> None:
            for kept in cache_folder().glob("audit-*"):
                kept.unlink()
            scan.audit(folder)

        def second() -> None:
            scan.audit(folder)

        works: dict[str, Callable[[], object]] = {
            "decode": lambda: list(map_in_threads(decoded, files, "", None)), "first scan": first,
        }  # fmt: skip
        took = in_turn(works, rounds, time.perf_counter)
        took |= in_turn({"second scan": second}, rounds, time.perf_counter)
    print(machine(os.cpu_count() or 1))
    table(
        [f"{len(files):,} photos", "s", "times as long as decode"],
        [[name, f"{statistics.median(each):.2f}", ratio(took["decode"], each)] for name, each in took.items()],
    )


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--rounds", type=int, default=3)
    main(**vars(options.parse_args()))
