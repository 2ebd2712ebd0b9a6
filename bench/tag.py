"""How fast `tag` is beside the network alone, and what it holds in memory.

    python -m bench.tag MODEL DIR|ZIP [--photos 512] [--pairs 5]

The rival is `Predictor` given the same bytes, read and answered in its own batches: no file, no measured colour, no
threads that read ahead. Both answer the same photos in turn, `pairs` times; the ratio is the median of the pairs.
On one core (`taskset -c 1 python …`) the clock is processor time, which others on the machine change little.
Prints one JSON object.
"""

import argparse
import json
import platform
import resource
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from fashion_core.models.predictor import Predictor, cpus, runtime
from fashion_core.models.registry import resolve
from fashion_core.models.tagging import tag
from fashion_core.photos import imaging, listing
from fashion_core.photos.listing import Listing


def clock() -> float:
    """Seconds: of the processor where there is one core, else on the wall."""
    return time.process_time() if cpus() == 1 else time.perf_counter()


def alone(predictor: Predictor, photos: Listing) -> float:
    """Seconds that the network takes, with the reading of its photos."""
    begun = clock()
    for start in range(0, len(photos.names), 64):
        some = range(start, min(start + 64, len(photos.names)))
        predictor.predict_with_embeddings([imaging.read(photos.read(place)) for place in some])
    return clock() - begun


def tagged(predictor: Predictor, photos: Listing) -> float:
    """Seconds that `tag` takes, its file written."""
    with tempfile.TemporaryDirectory() as folder:
        begun = clock()
        tag(predictor, photos, Path(folder, "shop.parquet"))
        return clock() - begun


def main(model: str, photos: Path, most: int, pairs: int) -> None:
    """Print the figures."""
    predictor = Predictor(resolve(model))
    with listing.opened(photos) as found:
        some = replace(found, names=found.names[:most])
        alone(predictor, replace(found, names=found.names[:64]))
        seconds = [(alone(predictor, some), tagged(predictor, some)) for _ in range(pairs)]
    rates = [[round(len(some.names) / each, 1) for each in pair] for pair in seconds]
    print(json.dumps({
        "photos": len(some.names), "precision": predictor.precision,
        "image_size": predictor.card.image_size, "cpus": cpus(),
        "machine": platform.machine(), "openvino": runtime().__version__.split("-")[0],
        "predictor_photos_per_second": statistics.median(pair[0] for pair in rates),
        "tag_photos_per_second": statistics.median(pair[1] for pair in rates),
        "ratio": round(statistics.median(pair[0] / pair[1] for pair in seconds), 3),
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
    }))  # fmt: skip


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("model")
    options.add_argument("photos", type=Path)
    options.add_argument("--photos", dest="most", type=int, default=512)
    options.add_argument("--pairs", type=int, default=5)
    main(**vars(options.parse_args()))
