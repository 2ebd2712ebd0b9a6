"""Commands that train: train and compare."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from fashion_core import UserError, home, runs
from fashion_core.cli.progress import Bars
from fashion_core.files import given_path
from fashion_core.photos.imaging import printable
from fashion_core.runs import config, process, stages
from fashion_core.runs.stopping import Stopped, apart, stop_requests

if TYPE_CHECKING:
    from types import ModuleType

    from fashion_core.photos.dataset import Dataset
    from fashion_core.runs.experiment import Variant

# Settings that may name a file or folder, and the words that they take besides.
PATH_SETTINGS = {
    "pretrained": ("imagenet", "none", "true", "yes", "1", "false", "no", "0"),
    "extra": ("", "none"),
    "decisions": ("", "none", "auto"),
}


def train(options: argparse.Namespace) -> None:
    if process.rank_and_size()[0] > 0:
        from fashion_core.engine import helper

        return helper.help_to_train()
    if options.finish and not options.resume:
        raise UserError("--finish keeps the best epoch of a run that has begun: name it with --resume RUN.")
    run = _resumed_run(options) if options.resume else _new_run(options)
    _run_worker(run, options.finish)
    print(run.folder)


def _run_worker(run: runs.Run, finish: bool = False) -> str:
    """Train `run` to its end in this process, or with `finish` only test and keep its best epoch; shown on stderr.

    Returns "finished" or "stopped".
    """
    with runs.claim(run) as log:  # before torch is loaded, so that a second start is refused at once
        log("stage", stage=stages.STARTING)  # torch takes seconds: it can be seen that somebody is there
        try:
            with stop_requests(run) as should_stop:
                worker = apart(_loaded_worker, should_stop)
        except Stopped:
            log("end", reason="stopped")
            return "stopped"
        screen = _Screen()

        def log_and_show(type: str, /, **fields: Any) -> None:
            log(type, **fields)
            screen.event(type, fields)

        try:
            return (worker.conclude if finish else worker.work)(run, log_and_show, screen.line)
        finally:
            screen.close()


def _loaded_worker() -> "ModuleType":
    from fashion_core.engine import worker

    return worker


def _new_run(options: argparse.Namespace) -> runs.Run:
    if not options.dir:
        raise UserError("Say which folder of photos to train on: python -m fashion_core train DIR.")
    folder = options.dir
    if not folder.is_dir():
        raise UserError(f"There is no folder {printable(folder)}: give a folder that holds one folder per class.")
    recipe = config.preset(options.preset).changed(_settings(options.set))
    return runs.create(recipe, folder, options.runs)


def _resumed_run(options: argparse.Namespace) -> runs.Run:
    run, changes = runs.get(options.resume, options.runs), _settings(options.set)
    if options.finish and (others := [name for name in changes if name not in runs.TEST_SETTINGS]):
        raise UserError(
            f"--finish trains no further, so {others[0]} cannot change: leave it out (what can change is "
            f"{' and '.join(runs.TEST_SETTINGS)})."
        )
    if run.state == "finished" and not (options.finish and (changes or run.model_folder is None)):
        raise UserError(f"Run {run.id} is finished already: start a new run to train on.")
    if options.dir:
        _move_photos(run, options.dir)
    return run.amended(changes) if changes else run


def _move_photos(run: runs.Run, folder: Path) -> None:
    """Let `run` read its photos from `folder`. UserError where those are others: it would be another training."""
    from fashion_core.photos import dataset

    if folder.resolve() == run.dataset:
        return
    fingerprints = [event.get("fingerprint") for event in run.events() if event["type"] == "start"]
    if fingerprints and folder.is_dir():
        bars = Bars()
        data = dataset.load(folder, run.config.split_seed, bars, run.config.split_groups)
        bars.close()
        if data.fingerprint != fingerprints[-1]:
            raise UserError(
                f"The photos in {printable(folder)} are not those that run {run.id} began with (in "
                f"{printable(run.dataset)}): give the folder that holds exactly these, or start a new run."
            )
    run.move_photos(folder)


def _settings(words: list[str]) -> dict[str, str]:
    """What follows --set: key=value, and again. Paths become whole ones: a run may be resumed from another folder."""
    pairs = [word.partition("=") for word in words]
    for key, sign, _ in pairs:
        if not sign:
            raise UserError(f"--set takes key=value, not {key!r}.")
    return {key: _whole_path(key, value) for key, _, value in pairs}


def _whole_path(key: str, value: str) -> str:
    if key == "teacher":  # a name, where there is no such folder
        return str(given_path(value).resolve()) if given_path(value).is_dir() else value
    if key not in PATH_SETTINGS or value.strip().lower() in PATH_SETTINGS[key]:
        return value
    return str(given_path(value).resolve())


class _Screen:
    """What training shows on stderr: a bar, and a line for each epoch. `cli.streams` keeps a closed terminal quiet."""

    def __init__(self) -> None:
        self._bar: tqdm | None = None

    def line(self, text: str) -> None:
        """Show one line above the bar."""
        tqdm.write(text, file=sys.stderr)

    def close(self) -> None:
        """End the bar."""
        if self._bar is not None:
            self._bar.close()

    def event(self, type: str, fields: dict[str, Any]) -> None:
        """Show an event of the run's log."""
        if self._bar is None:
            self._bar = tqdm(desc="training", unit="step", file=sys.stderr)
        if type == "start":
            self._bar.total, self._bar.n = fields["total_steps"], fields["step"]
            self._bar.refresh()
        elif type == "step":
            self._bar.set_postfix(loss=f"{fields['loss']:.3f}", refresh=False)
            self._bar.update()
        elif type == "progress":
            self._bar.set_postfix_str(f"{fields['what']}: {fields['done']:,} of {fields['total']:,}")
        elif text := _event_line(type, fields):
            tqdm.write(text, file=sys.stderr)


def _event_line(type: str, fields: dict[str, Any]) -> str | None:
    """An event in one line; None for those that get none."""
    if type == "epoch":
        return (
            f"epoch {fields['epoch']:3}  "
            f"train loss {fields['train_loss']:.4f} accuracy {fields['train_accuracy']:.4f}  "
            f"validation loss {fields['validation_loss']:.4f} accuracy {fields['validation_accuracy']:.4f}"
        )
    if type == "evaluate":
        return f"test accuracy {fields['accuracy']:.4f}, macro-F1 {fields['macro_f1']:.4f} on {fields['n']} photos"
    return fields["text"] if type == "note" else None


def compare(options: argparse.Namespace) -> int:
    from fashion_core.reports import comparison

    if process.rank_and_size()[1] > 1:
        raise UserError("compare trains its runs in one process each: start it without torchrun.")
    paper, runs_dir, out = options.dir == "paper", options.runs, options.out
    if out:
        comparison.check_name(out)
    if options.local and not paper:
        raise UserError("--from goes with the word paper: for photos of your own, give their folder as DIR.")
    folder = home() / "data" / "paper" if paper else given_path(options.dir)
    variants = _variants(options, paper, folder)
    if options.list:
        _print_commands(variants, folder, runs_dir)
        return 0
    photos = _photos_to_compare_on(folder, paper, options.local, variants[0].configs[0])
    finished, failed = _train_missing(variants, folder, photos.fingerprint, runs_dir)
    frame, notes = comparison.results(variants, finished, photos)
    print(comparison.markdown(frame, notes))
    if out:
        print(comparison.save(frame, out, notes), file=sys.stderr)
    return int(failed)


def _variants(options: argparse.Namespace, paper: bool, folder: Path) -> "list[Variant]":
    """The variants that the options ask for."""
    from fashion_core.photos import label_corrections
    from fashion_core.runs import experiment

    decisions = label_corrections.resolve_setting(label_corrections.AUTO, folder)
    given = {"decisions": decisions} | ({"pretrained": "imagenet"} if paper else {}) | _settings(options.set)
    what = options.what or ("all" if options.only or not paper else "paper")
    only = options.only or ((options.preset, *experiment.PAPERS_OWN) if what == "paper" else None)
    tables = [what] if what in experiment.EXPERIMENTS else list(experiment.EXPERIMENTS)
    return experiment.plan(tables, options.preset, given, options.seeds, only)


def _print_commands(variants: "list[Variant]", folder: Path, runs_dir: Path | None) -> None:
    from fashion_core.runs import experiment

    for variant in variants:
        print(f"# {variant.experiment}: {variant.name}")
        for recipe in variant.configs:
            print(experiment.command(recipe, folder, runs_dir))


def _photos_to_compare_on(folder: Path, paper: bool, local: Path | None, recipe: config.TrainConfig) -> "Dataset":
    """The photos in `folder`, those of the paper fetched if they are not there."""
    from fashion_core.photos import dataset, sources

    bars = Bars()
    if paper and not folder.is_dir():
        sources.fetch("paper", folder, local, bars, say=lambda sentence: print(sentence, file=sys.stderr))
    photos = dataset.load(folder, recipe.split_seed, bars, recipe.split_groups)
    bars.close()
    return photos


def _train_missing(
    variants: "list[Variant]", photos: Path, fingerprint: str, runs_dir: Path | None
) -> tuple[dict[config.TrainConfig, runs.Run], bool]:
    """Every recipe's finished run, and whether one could not be trained; the others are trained all the same."""
    from fashion_core.runs import experiment

    finished, failed = {}, False
    for recipe in dict.fromkeys(recipe for variant in variants for recipe in variant.configs):
        run = experiment.find(recipe, photos, fingerprint, runs.find(runs_dir))
        if run is None or run.state not in runs.DONE:
            runs.refuse_if_busy(runs_dir)
            run = run or runs.create(recipe, photos, runs_dir)
            print(f"busana: {run.id}: {experiment.title(recipe.as_dict())}", file=sys.stderr)
            try:
                if _run_worker(run) == "stopped":
                    print(f"busana: {run.id} is stopped; the same command goes on with it.", file=sys.stderr)
                    raise KeyboardInterrupt
            except Exception as error:  # whatever it is, the log has it, and the series goes on
                if run.state != "failed":  # it was never begun, as when another run is training
                    raise
                print(f"busana: {run.id}: {error}", file=sys.stderr)
                failed = True
                continue
        finished[recipe] = run
    return finished, failed
