"""The whole of a training run, in the order it happens: photos, training, evaluation of the best weights, export."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from fashion_core import UserError
from fashion_core.class_names import classes_matching
from fashion_core.engine import export, helper, models, teacher
from fashion_core.engine.checkpoint import BEST
from fashion_core.engine.device import Log, device_name, pick_device, versions
from fashion_core.engine.evaluate import calibrate, evaluate, load_network, rows_of
from fashion_core.engine.explanations import compute_explanations
from fashion_core.engine.frozen import FrozenTrainer
from fashion_core.engine.processes import Team, meeting, take_device
from fashion_core.engine.progress import TrainingProgress
from fashion_core.engine.stopping import Report, heard_between_layers
from fashion_core.engine.training import NotFinite, Photos, Trainer
from fashion_core.evaluation import explanations
from fashion_core.evaluation.evaluation import EPOCHS, Evaluation
from fashion_core.evaluation.meta import EvaluationMeta
from fashion_core.files import Progress, atomic_write
from fashion_core.models.card import Cost, DatasetFacts, Metrics, ModelCard, Share
from fashion_core.photos import label_corrections
from fashion_core.photos.dataset import Dataset, load, load_extra
from fashion_core.photos.imaging import printable
from fashion_core.photos.pixels import decode_photos
from fashion_core.photos.sample import made
from fashion_core.runs import TEST_SETTINGS, Run, stages
from fashion_core.runs.config import TrainConfig, predict_size
from fashion_core.runs.events import Tail
from fashion_core.runs.stopping import Stopped, stop_requests
from fashion_core.stats import softmax, wilson


class Trained(NamedTuple):
    """What is known of a training once it is over: how far it came, and where it is tested."""

    progress: TrainingProgress
    device: torch.device


def work(run: Run, log: Log, show: Callable[[str], object] = print) -> str:
    """Train `run` from where it stands to its end; returns how it ended: "finished" or "stopped".

    Whatever goes wrong is logged as an `error` event before it is raised.
    """
    return _logged(run, log, lambda report, team: _train(run, team, log, report, show))


def conclude(run: Run, log: Log, show: Callable[[str], object] = print) -> str:
    """Train no further: test the best epoch so far and export it, as at the end of `work`; returns the same.

    UserError where no epoch was finished, or where the photos are gone or changed.
    """
    return _logged(run, log, lambda report, team: _keep_best(run, log, report, show))


def _logged(run: Run, log: Log, body: Callable[[Report, Team], str]) -> str:
    """Run `body(report, team)` and log how it ended."""
    with stop_requests(run) as should_stop:
        try:
            with meeting(run.id) as team, heard_between_layers(lambda: not team.joint and should_stop()):
                reason = body(Report(log, should_stop), team)
        except Stopped:
            reason = "stopped"
        except NotFinite as error:
            log("error", text=str(error), diverged=run.config.as_dict())
            raise
        except UserError as error:
            log("error", text=str(error))
            raise
        except BaseException as error:
            log("error", text=f"{type(error).__name__}: {error} (the whole story is in worker.log)")
            raise
        log("end", reason=reason)
        return reason


def _train(run: Run, team: Team, log: Log, report: Report, show: Callable[[str], object]) -> str:
    if run.model_folder:  # trained; its test may have been set anew
        return _keep_best(run, log, report, show)
    _refuse_to_diverge_again(run)
    if take_device(run.config.device, team.size).type == "cuda":  # a missing device is told before minutes of decoding
        torch.cuda.reset_peak_memory_stats()  # the process may have trained another run before
    begins = not (run.folder / label_corrections.COPY).exists()
    corrections = _label_corrections(run)  # before that, too
    data = _load_photos(run, report)
    pixels = decode_photos(data, run.config.image_size, report)
    try:
        photos, notes = _training_photos(run, data, pixels, corrections, report)
    except UserError:
        if begins:  # nothing was learned from them: once they are corrected, the run may take them anew
            (run.folder / label_corrections.COPY).unlink()
        raise
    report.begin(stages.WARMING)
    kind, keep = FrozenTrainer if run.config.frozen else Trainer, _keeper(run, data, photos)
    # Apart: weights may come of a network that does not answer.
    trainer = report.apart(lambda: kind(run.config, photos, run.folder, log, report.should_stop, keep, team=team))
    _remove_later_epochs(run, trainer)
    notes = [*_notes(data, trainer), *notes, *run.record.changes()]
    _log_start(run, data, trainer, log)
    for note in notes:
        log("note", text=note)
    if step := trainer.progress.step:
        show(f"Goes on from step {step} of {trainer.total} (epoch {step // trainer.steps_per_epoch + 1}).")
    if team.size > 1:
        team.tell(helper.task(trainer))
    if trainer.train() == "stopped":
        return "stopped"
    team.part()
    if trainer.progress.fall:
        notes.append(trainer.progress.fall)
    _test_and_export(run, data, Trained(trainer.progress, trainer.device), notes, log, report)
    return "finished"


def _keep_best(run: Run, log: Log, report: Report, show: Callable[[str], object]) -> str:
    if run.model_folder and not _is_to_be_tested_otherwise(run):
        return _gather_explanations(run, report, show)
    if not (run.folder / BEST).exists():
        raise UserError(f"Run {run.id} has not finished an epoch yet, so there are no weights to keep: resume it.")
    _, about = load_network(run.folder / BEST)
    device = pick_device(run.config.device)
    data = _load_photos(run, report)
    _refuse_changed_photos(run, about, data, "its test would not be one")
    which, logged = f"epoch {about['epoch']} of {run.config.epochs}, the best", Tail(run.events_file).read()
    note = f"Training ended early, by request: {which} so far, is kept."
    if run.model_folder:
        note = f"Tested again, by request, with other settings of the test: {which}."
    elif len(logged.epochs) >= run.config.epochs:
        note = f"Every epoch was trained; tested by request: {which}."
    log("note", text=note)
    trained = Trained(TrainingProgress.read(about), device)
    notes = list(dict.fromkeys([*logged.notes, note, *run.record.changes()]))  # a resumed run logs some of them again
    _test_and_export(run, data, trained, notes, log, report)
    return "finished"


def _gather_explanations(run: Run, report: Progress, show: Callable[[str], object]) -> str:
    """All that is left to do where the model folder is written: the run is trained and tested."""
    folder = run.folder / "model"
    if not (folder / explanations.FILE).exists():
        show(f"{run.id} is trained and tested: its heat maps and similar photos follow.")
        network, about = load_network(folder / "model.safetensors")
        data = _load_photos(run, report)
        _refuse_changed_photos(run, about, data, "its similar photos would be others")
        pixels = decode_photos(data, predict_size(about["config"]), report)
        _explain(run, data, pixels, network, pick_device(run.config.device), report)
    return "finished"


def _is_to_be_tested_otherwise(run: Run) -> bool:
    """Whether the settings of the test were changed since the model was written."""
    tested = ModelCard.read(run.folder / "model").recipe
    return any(getattr(tested, name) != getattr(run.config, name) for name in TEST_SETTINGS)


def _refuse_changed_photos(run: Run, about: dict, data: Dataset, why: str) -> None:
    if about["fingerprint"].partition("+")[0] != data.fingerprint:
        raise UserError(
            f"The photos in {printable(run.dataset)} have changed since run {run.id} began, so {why}: bring them back "
            "as they were."
        )


def _refuse_to_diverge_again(run: Run) -> None:
    """Raise the sentence that the loss ended in, if nothing was changed since: the same state would fail again."""
    for event in reversed(run.events()):
        if event["type"] in ("start", "step"):
            return
        if event["type"] == "error" and event.get("diverged") == run.config.as_dict():
            raise UserError(event["text"])


def _load_photos(run: Run, report: Progress) -> Dataset:
    """The photos of a run. UserError where they have gone."""
    if not run.dataset.is_dir():
        raise UserError(
            f"The photos of run {run.id} are not in {printable(run.dataset)} any more: bring them back, or say where "
            f"they are now: python -m fashion_core train --resume {run.id} DIR."
        )
    data = load(run.dataset, run.config.split_seed, report, run.config.split_groups)
    return data.with_all_pairs() if run.config.all_pairs else data


def _label_corrections(run: Run) -> label_corrections.Decisions:
    """The corrected labels as they stood when the run first began, kept with it: people may go on correcting."""
    kept = run.folder / label_corrections.COPY
    if not kept.exists():
        with atomic_write(kept) as partial:
            partial.write_bytes(label_corrections.copy_of(run.config.decisions))
    return label_corrections.read(kept, run.config.decisions)


def _training_photos(
    run: Run, data: Dataset, pixels: np.ndarray, corrections: dict[str, str], report: Progress
) -> tuple[Photos, list[str]]:
    """What the loop trains on, by the corrected labels; a photo with no single label is not validated on."""
    candidates, notes = label_corrections.candidate_labels(data, corrections)
    counts, train, validation = candidates.sum(1), rows_of(data, "train"), rows_of(data, "validation")
    train, validation = train[counts[train] > 0], validation[counts[validation] == 1]
    if not len(train) or not len(validation):
        raise UserError("The decisions leave no photo to train or to validate on: leave out fewer.")
    fingerprint = data.fingerprint
    if corrections:
        fingerprint += f"+{label_corrections.fingerprint(corrections)}"
    photos = Photos(pixels, candidates, train, validation, data.classes, fingerprint)
    parts = [data]
    if run.config.extra:
        extra = _load_extra(run.config, data, report)
        photos, notes = _with_extra(photos, extra, run.config.image_size, report), [*notes, *extra.notes]
        parts.append(extra)
    if run.config.teacher:
        answers = teacher.answers(run.folder, run.config.teacher, photos, parts, report)
        answers[~photos.candidates.any(axis=1)] = 0  # of what is none of the classes it knows no better
        photos, count = replace(photos, taught=answers), int((answers[photos.train].sum(axis=1) > 0).sum())
        name = Path(run.config.teacher).name
        notes = [*notes, f"The model {name} teaches {count} of the {len(photos.train)} training photos."]
    return photos, notes


def _load_extra(config: TrainConfig, data: Dataset, report: Progress) -> Dataset:
    folder = config.extra
    if not Path(folder).is_absolute() and not Path(folder).is_dir():
        raise UserError(
            f"The extra photos lie in {printable(folder)}, a path relative to the folder in which the run was started: "
            "resume it from there, or add --set extra= and the whole path."
        )
    return load_extra(folder, data, report, outliers=config.outlier_exposure)


def _with_extra(photos: Photos, extra: Dataset, image_size: int, report: Progress) -> Photos:
    """`photos` with those of `extra` to train on besides."""
    rows = np.arange(len(extra.photos)) + len(photos.pixels)
    candidates = [classes_matching(label, photos.classes) for label in extra.photos["label"]]
    return replace(
        photos,
        train=np.concatenate([photos.train, rows]),
        fingerprint=f"{photos.fingerprint}+{extra.fingerprint}",
        extra_pixels=decode_photos(extra, image_size, report),
        candidates=np.concatenate([photos.candidates, candidates]),
    )


def _log_start(run: Run, data: Dataset, trainer: Trainer, log: Log) -> None:
    log(
        "start", step=trainer.progress.step, total_steps=trainer.total, steps_per_epoch=trainer.steps_per_epoch,
        epochs=run.config.epochs, device=device_name(trainer.device), precision=trainer.progress.precision,
        classes=data.classes, seed=run.config.seed, fingerprint=data.fingerprint, unreadable=len(data.unreadable),
        photos=data.photos["split"].value_counts().to_dict(), weights=trainer.progress.origin, versions=versions(),
        threads=torch.get_num_threads(), processes=trainer.team.size,
    )  # fmt: skip


def _keeper(run: Run, data: Dataset, photos: Photos) -> Callable[[int, np.ndarray], object]:
    """What keeps the validation predictions of each epoch, by the labels that were learned: Evaluate replays them."""
    names = np.array(data.classes, dtype=object)[photos.labels(photos.validation).numpy()]
    table = data.photos.iloc[photos.validation][["path"]].reset_index(drop=True).assign(label=names)

    drawn = made(data.root)

    def keep(epoch: int, logits: np.ndarray) -> None:
        meta = EvaluationMeta(model=run.id, epoch=epoch, split="validation", sample=drawn, probabilities="uncalibrated")
        Evaluation(data.classes, table, softmax(logits), "", meta).save(run.folder / EPOCHS / f"{epoch:04}.parquet")

    return keep


def _remove_later_epochs(run: Run, trainer: Trainer) -> None:
    """Predictions of epochs after the checkpoint: those epochs are trained again, perhaps with other settings."""
    for file in (run.folder / EPOCHS).glob("*.parquet"):
        if file.stem.isdigit() and int(file.stem) * trainer.steps_per_epoch > trainer.progress.step:
            file.unlink(missing_ok=True)


def _test_and_export(run: Run, data: Dataset, trained: Trained, notes: list[str], log: Log, report: Report) -> None:
    """Load the best weights, calibrate on validation, test once, store and export: the model can be used. Explain."""
    report.begin(stages.TESTING)
    network, about = load_network(run.folder / BEST)
    tested_with = {name: getattr(run.config, name) for name in TEST_SETTINGS}  # may have been set after training
    about |= {"config": about["config"] | tested_with}
    export.round_as_stored(network)
    network.to(trained.device)
    pixels = decode_photos(data, predict_size(about["config"]), report)
    report.begin(stages.TESTING, "validation photos")
    temperature = calibrate(network, about, data, pixels, trained.device, log)
    report.begin(stages.TESTING, "test photos")
    test = evaluate(
        network, about, data, rows_of(data, "test"), temperature, run.id, "test", pixels, trained.device, log
    )
    file = test.save(run.folder / "evaluation.parquet")
    summary = {key: test.summary()[key] for key in ("n", "accuracy", "macro_f1")}
    log("evaluate", split="test", epoch=about["epoch"], **summary)
    cost = Cost(**models.cost(network, predict_size(about["config"])), images_per_second=run.images_per_second)
    card = _card(run, data, trained, test, about, temperature, notes, cost)
    (run.folder / explanations.FILE).unlink(missing_ok=True)  # of an earlier test, whose model folder was removed
    epochs = run.folder / EPOCHS
    copies = [file, epochs] if epochs.is_dir() else [file]  # a run begun before these were kept
    report.apart(lambda: export.write_model_folder(run.folder / "model", network, about, card, copies))
    if not (run.folder / "model" / "model.xml").exists():
        log("note", text="OpenVINO is not installed here: publish this run where it is, to predict with it.")
    _explain(run, data, pixels, network, trained.device, report)


def _explain(
    run: Run, data: Dataset, pixels: np.ndarray, network: torch.nn.Module, device: torch.device, report: Progress
) -> None:
    """Gather what lies behind the predictions; it comes to the model folder last, which says that all is done."""
    found = compute_explanations(network, data.classes, data, pixels, device, report)
    for folder in (run.folder, run.folder / "model"):
        found.save(folder / explanations.FILE)


def _card(
    run: Run,
    data: Dataset,
    trainer: Trained,
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
        image_size=predict_size(about["config"]),
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
        hardware=device_name(trainer.device),
        training_seconds=round(run.training_seconds, 1),
        cost=cost,
        versions=versions(),
        notes=tuple(notes),
    )


def _notes(data: Dataset, trainer: Trainer) -> list[str]:
    notes = [*data.notes, trainer.progress.origin, trainer.precision_reason, *trainer.team.notes(trainer.device)]
    if trainer.device.type == "cpu":
        notes.append("Trained on the CPU.")
    if n := len(data.unreadable):
        were = "1 unreadable photo was" if n == 1 else f"{n:,} unreadable photos were"
        notes.append(f"{were} left out: the Data page lists them.")
    return notes
