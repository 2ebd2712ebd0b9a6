"""What the list of all runs costs the Train page, in milliseconds: python -m bench.runs [--runs 100]

Runs with 2,000 logged iterations each: read the first time, then again as at every rerun; and how many files it parses.
"""

import argparse
import json
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from fashion_core import runs
from fashion_core.runs import config, events, record

STEPS = 2000
STEP = {"type": "step", "epoch": 1, "loss": 1.2345, "accuracy": 0.5625, "learning_rate": 0.001}


def make_runs(home: Path, count: int) -> Path:
    """A folder with `count` stopped runs."""
    folder = home / "runs"
    log = [{"v": 1, "seq": step, "t": 1.7e9 + step, "step": step + 1} | STEP for step in range(STEPS)]
    log.append({"v": 1, "seq": STEPS, "t": 1.7e9 + STEPS, "type": "end", "reason": "stopped"})
    text = "".join(json.dumps(event, separators=(",", ":")) + "\n" for event in log)
    for _ in range(count):
        runs.create(config.preset("paper"), home / "photos", folder).events_file.write_text(text)
    return folder


def read_list(folder: Path) -> float:
    """Milliseconds to read what the Train page shows of every run in `folder`."""
    began = time.perf_counter()
    for run in runs.find(folder):
        assert (run.state, run.problem, run.config.preset) == ("stopped", None, "paper")
        assert run.dataset and run.result
    return 1000 * (time.perf_counter() - began)


def measure(home: Path, count: int = 100, repeats: int = 10) -> dict[str, float]:
    """{"first": ms, "again": median ms, "parsed": files parsed in all} for `count` runs made in `home`."""
    folder = make_runs(home, count)
    caches = (record._parsed, events._newest)
    for cache in caches:
        cache.cache_clear()
    first, again = read_list(folder), statistics.median(read_list(folder) for _ in range(repeats))
    return {"first": first, "again": again, "parsed": sum(cache.cache_info().misses for cache in caches)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=100)
    options = parser.parse_args()
    with TemporaryDirectory() as home:
        print(json.dumps({name: round(value, 1) for name, value in measure(Path(home), options.runs).items()}))


if __name__ == "__main__":
    main()
