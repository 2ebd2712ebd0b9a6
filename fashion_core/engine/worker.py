"""The whole of a training run, in the order it happens: photos, training, evaluation of the best weights, export."""

import platform
import signal
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

import numpy as np
import torch
import torchvision

from fashion_core import UserError, __version__
from fashion_core.class_names import classes_matching
from fashion_core.engine import export, models
from fashion_core.engine.evaluate import calibrate, evaluate, load_network, rows_of
from fashion_core.engine.explanations import compute_explanations
from fashion_core.engine.training import Photos, Trainer
from fashion_core.evaluation import explanations
from fashion_core.evaluation.evaluation import EPOCHS, Evaluation
from fashion_core.evaluation.meta import EvaluationMeta
from fashion_core.files import Progress, atomic_write
from fashion_core.models.card import Cost, DatasetFacts, Metrics, ModelCard, Share
from fashion_core.photos import label_corrections
from fashion_core.photos.dataset import Dataset, load, load_extra
from fashion_core.photos.pixels import decode_photos
from fashion_core.photos.sample import made
from fashion_core.runs import Run
from fashion_core.runs.events import EventLog
from fashion_core.stats import softmax, wilson

PROGRESS_SECONDS = 0.5


class Stopped(Exception):
    """The person asked to stop before the first iteration."""


def work(run: Run, log: EventLog, show: Callable[[str], None] = print) -> str:
    """Train `run` from where it stands to its end; returns how it ended: "finished" or "stopped".

    Whatever goes wrong is logged as an `error` event before it is raised.
    """
    with _asked_to_stop(run) as should_stop:
        try:
            reason = _work(run, log, should_stop, show)
        except Stopped:
            reason = "stopped"
        except UserError as error:
            log("error", text=str(error))
            raise
        except BaseException as error:
            log("error", text=f"{type(error).__name__}: {error} (the whole story is in worker.log)")
            raise
        log("end", reason=reason)
        return reason


def _work(run: Run, log: EventLog, should_stop: Callable[[], bool], show: Callable[[str], None]) -> str:
    config = run.config
    tell = _progress(log, should_stop)
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()  # the process may have trained another run before
    decided = _decided(run)  # before minutes of decoding
    data = load(run.dataset, config.split_seed, tell, config.split_groups)
    pixels = decode_photos(data, config.image_size, tell)
    photos, said = _photos(data, pixels, decided)
    extra = load_extra(config.extra, data, tell) if config.extra else None
    if extra:
        photos = _with_extra(photos, extra, config.image_size, tell)
    trainer = Trainer(config, photos, run.folder, log, should_stop, _keeper(run, data, photos))
    notes = [*_notes(data, trainer), *said, *(extra.notes if extra else ())]
    log(
        "start", step=trainer.progress.step, total_steps=trainer.total, steps_per_epoch=trainer.steps_per_epoch,
        epochs=config.epochs, device=_device_name(trainer.device), precision=trainer.progress.precision,
        classes=data.classes, seed=config.seed, fingerprint=data.fingerprint, unreadable=len(data.unreadable),
        photos=data.photos["split"].value_counts().to_dict(), weights=trainer.progress.origin, versions=_versions(),
        threads=torch.get_num_threads(),
    )  # fmt: skip
    for note in notes:
        log("note", text=note)
        show(note)
    if trainer.train() == "stopped":
        return "stopped"
    _conclude(run, data, pixels, trainer, notes, log, tell)
    return "finished"


def _decided(run: Run) -> dict[str, str]:
    """The decisions as they stood when the run first began, of which it keeps a copy: people may go on deciding."""
    kept = run.folder / label_corrections.COPY
    if not kept.exists():
        with atomic_write(kept) as partial:
            partial.write_text(
                label_corrections.text(label_corrections.load_or_empty(run.config.decisions)),
                "utf-8",
                "surrogateescape",
            )
    return label_corrections.read(kept)


def _photos(data: Dataset, pixels: np.ndarray, decided: dict[str, str]) -> tuple[Photos, list[str]]:
    """What the loop trains on, by the labels that were decided; a photo with no single label is not validated on."""
    meanings, notes = label_corrections.candidate_labels(data, decided)
    known, train, validation = meanings.sum(1), rows_of(data, "train"), rows_of(data, "validation")
    train, validation = train[known[train] > 0], validation[known[validation] == 1]
    if not len(train) or not len(validation):
        raise UserError("The decisions leave no photo to train or to validate on: leave out fewer.")
    mark = f"{data.fingerprint}+{label_corrections.fingerprint(decided)}" if decided else data.fingerprint
    return Photos(pixels, meanings, train, validation, data.classes, mark), notes


def _keeper(run: Run, data: Dataset, photos: Photos) -> Callable[[int, np.ndarray], object]:
    """What keeps the validation predictions of each epoch, by the labels that were learned: Evaluate replays them."""
    names = np.array(data.classes, dtype=object)[photos.labels(photos.validation).numpy()]
    table = data.photos.iloc[photos.validation][["path"]].reset_index(drop=True).assign(label=names)

    drawn = made(data.root)

    def keep(epoch: int, logits: np.ndarray) -> None:
        meta = EvaluationMeta(model=run.id, epoch=epoch, split="validation", sample=drawn, probabilities="uncalibrated")
        Evaluation(data.classes, table, softmax(logits), "", meta).save(run.folder / EPOCHS / f"{epoch:04}.parquet")

    return keep


def _with_extra(photos: Photos, extra: Dataset, image_size: int, tell: Progress) -> Photos:
    """`photos` with those of `extra` to train on besides."""
    more = np.arange(len(extra.photos)) + len(photos.pixels)
    meant = [classes_matching(label, photos.classes) for label in extra.photos["label"]]
    return replace(
        photos,
        train=np.concatenate([photos.train, more]),
        fingerprint=f"{photos.fingerprint}+{extra.fingerprint}",
        extra_pixels=decode_photos(extra, image_size, tell),
        meanings=np.concatenate([photos.meanings, meant]),
    )


def _conclude(
    run: Run, data: Dataset, pixels: np.ndarray, trainer: Trainer, notes: list[str], log: EventLog, tell: Progress
) -> None:
    """Load the best weights, calibrate, test once, store, gather the evidence, export."""
    network, about = load_network(run.folder / "best.safetensors")
    network.half().float()  # as export writes it: what is tested is what is shipped
    network.to(trainer.device)
    temperature = calibrate(network, data, pixels, data.classes, trainer.device)
    test = evaluate(network, about, data, rows_of(data, "test"), temperature, run.id, "test", pixels)
    file = test.save(run.folder / "evaluation.parquet")
    summary = test.summary()
    log(
        "evaluate",
        split="test",
        epoch=about["epoch"],
        n=summary["n"],
        accuracy=summary["accuracy"],
        macro_f1=summary["macro_f1"],
    )
    cost = Cost(**models.cost(network, run.config.image_size), images_per_second=run.images_per_second)
    card = _card(run, data, trainer, test, about, temperature, notes, cost)
    seen = compute_explanations(network, data.classes, data, pixels, trainer.device, tell).save(
        run.folder / explanations.FILE
    )
    epochs = [folder for folder in (run.folder / EPOCHS,) if folder.is_dir()]  # a run begun before these were kept
    export.write_model_folder(run.folder / "model", network, about, card, (file, seen, *epochs))
    if not (run.folder / "model" / "model.xml").exists():
        log("note", text="OpenVINO is not installed here: publish this run where it is, to predict with it.")


def _card(
    run: Run,
    data: Dataset,
    trainer: Trainer,
    test: Evaluation,
    about: dict,
    temperature: float,
    notes: list[str],
    cost: Cost,
) -> ModelCard:
    """All that is known of the model at its run's end. `about` is what lies beside its weights."""
    return ModelCard(
        name=run.id,
        classes=data.classes,
        image_size=run.config.image_size,
        temperature=temperature,
        architecture=run.config.architecture,
        initial_weights=trainer.progress.origin,
        created=datetime.now().astimezone().isoformat(timespec="seconds"),
        epoch=about["epoch"],
        metrics=Metrics(
            test_accuracy=test.accuracy,
            test_accuracy_interval=wilson(int(test.right.sum()), len(test)),
            test_n=len(test),
            macro_f1=test.macro_f1,
            leakage_free=Share(*test.without_leaks()),
            validation_accuracy=trainer.progress.best[0],
        ),
        settings=run.config.as_dict(),
        dataset=DatasetFacts(
            data.root.name, data.fingerprint, len(data.photos), test.meta.sample, len(data.unreadable)
        ),
        hardware=_device_name(trainer.device),
        training_seconds=round(run.training_seconds, 1),
        cost=cost,
        versions=_versions(),
        notes=tuple(notes),
    )


def _notes(data: Dataset, trainer: Trainer) -> list[str]:
    notes = [*data.notes, trainer.progress.origin]
    if trainer.device.type == "cpu":
        notes.append("No GPU was used: this run trains on the CPU.")
    if len(data.unreadable):
        notes.append(f"{len(data.unreadable)} unreadable photos were left out: the Data page lists them.")
    return notes


def _device_name(device: torch.device) -> str:
    return (
        torch.cuda.get_device_name()
        if device.type == "cuda"
        else f"{device.type} ({platform.machine()}, {torch.get_num_threads()} threads)"
    )


def _versions() -> dict[str, str]:
    return {
        "busana": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
    }


def _progress(log: EventLog, should_stop: Callable[[], bool]) -> Progress:
    """A progress callback that logs now and then and leaves at once when asked to stop."""
    told = 0.0

    def tell(done: int, total: int, what: str) -> None:
        nonlocal told
        if should_stop():
            raise Stopped
        if done == total or time.time() - told > PROGRESS_SECONDS:
            log("progress", what=what, done=done, total=total)
            told = time.time()

    return tell


@contextmanager
def _asked_to_stop(run: Run):
    """A test for the stop file, Ctrl-C or SIGTERM: each of them stops after the current iteration."""
    asked = False

    def ask(*_: object) -> None:
        nonlocal asked
        asked = True

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked or (run.folder / "stop").exists()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
