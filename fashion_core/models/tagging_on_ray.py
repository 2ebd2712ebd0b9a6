"""The parts of `tag` answered by a Ray cluster: the same parts, so the same table, row for row.

    tag(predictor, photos, out, answer=on_ray("local", 2))      # or the address of a cluster that runs

Photos, model and `out` must have the same paths on every machine, as on a shared file system; each has Busana with its
extra `ray`. A worker that dies is replaced, and its part made anew: a part is written whole or not at all.
"""

import logging
import os
import socket
import sys
from contextlib import ExitStack, redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fashion_core import UserError, home
from fashion_core.files import Progress
from fashion_core.models.predictor import MAX_THREADS, Predictor
from fashion_core.models.tagging import Answer, Work
from fashion_core.photos import listing

LOCAL = "local"  # a cluster of this machine alone, for as long as the call lasts
SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing about this machine is sent anywhere
    "RAY_BACKEND_LOG_LEVEL": "fatal",  # its own notes go to its log; stderr is for our sentences
    "RAY_worker_niceness": "0",  # a local cluster's processes are as urgent as `tag` itself
}


def on_ray(address: str, workers: int | None = None) -> Answer:
    """What `tag` takes to have its parts made by `workers` processes of the cluster at `address`; by default as many as
    its machines have cores for. UserError where Ray is not installed or no cluster answers."""
    try:
        import ray.data  # noqa: F401
    except ImportError:
        raise UserError("Ray is not installed: pip install 'busana[ray]', or leave --ray out.") from None
    return partial(_on_ray, address, workers)


def _on_ray(address: str, workers: int | None, work: Work, missing: dict[int, str], progress: Progress) -> None:
    import ray

    if not missing:
        return
    with redirect_stdout(sys.stderr):  # Ray tells of a worker that died, at the latest when it ends; stdout is ours
        _connect(address, workers)
        try:
            _answer(workers, work, missing, progress)
        finally:
            ray.shutdown()


def _connect(address: str, workers: int | None) -> None:
    import ray

    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    refused = UserError(f"No Ray cluster answers at {address}: start one with ray start, or use --ray local.")
    if address != LOCAL and not _listens(address):  # Ray itself would go on trying for minutes
        raise refused
    where: dict[str, Any] = {"address": address}
    if address == LOCAL:
        where = {"num_cpus": max(workers or 1, os.cpu_count() or 1), "include_dashboard": False}
    told = {"env_vars": {"BUSANA_HOME": str(home())}}
    try:
        ray.init(**where, log_to_driver=False, logging_level=logging.ERROR, runtime_env=told)
    except (ConnectionError, ValueError, RuntimeError):
        raise refused from None


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except (OSError, ValueError, OverflowError):
        return False
    return True


def _answer(workers: int | None, work: Work, missing: dict[int, str], progress: Progress) -> None:
    import ray
    import ray.data

    logging.getLogger("ray.data").setLevel(logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False  # ours counts photos
    cores, workers = _shares([int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]], workers)
    model = work.tagger.predictor
    parts = [{"number": number, "digest": digest} for number, digest in missing.items()]
    answered = ray.data.from_items(parts, override_num_blocks=len(parts)).map_batches(
        _Worker, batch_size=1, num_cpus=cores, compute=ray.data.ActorPoolStrategy(size=min(workers, len(parts))),
        fn_constructor_args=(model.folder.absolute(), model.precision, work.photos.source, work.parts, work.size),
    )  # fmt: skip
    done = len(work.photos.names) - sum(len(work.places(number)) for number in missing)
    try:
        for row in answered.iter_rows():
            done += len(work.places(row["number"]))
            if progress:
                progress(done, len(work.photos.names), "Tagging")
    except ray.exceptions.RayError as error:
        raise UserError(_reason(error)) from None


def _shares(machines: list[int], workers: int | None) -> tuple[int, int]:
    """Cores for each worker, and how many workers, where the `machines` have so many cores."""
    machines = [cores for cores in machines if cores] or [1]
    most = min(MAX_THREADS, *machines)
    cores = max(1, min(most, sum(machines) // workers)) if workers else most
    return cores, workers or sum(each // cores for each in machines)


def _reason(error: BaseException | None) -> str:
    """The sentence of a worker's UserError, if one is behind `error`."""
    while error is not None:
        if isinstance(error, UserError):
            return str(error)
        error = getattr(error, "cause", None) or error.__cause__
    return "The Ray cluster gave up: its log says why. The same command goes on from the parts that are done."


class _Worker:
    """A process of the cluster: opens the model and the photos once, then makes the parts that it is given."""

    def __init__(self, model: Path, precision: str, source: Path, parts: Path, size: int):
        photos = ExitStack().enter_context(listing.opened(source))  # open as long as the process
        self.work = Work.of(Predictor(model, precision), photos, parts, size)

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        for number, digest in zip(batch["number"].tolist(), batch["digest"].tolist(), strict=True):
            if self.work.digest(number) != digest:
                raise UserError(
                    "A machine of the cluster sees other photos or another model, or computes in another precision: "
                    "give all the same files, and set BUSANA_PRECISION=float32."
                )
            if not self.work.is_done(number, digest):
                self.work.answer(number, digest)
        return {"number": batch["number"]}
