"""Commands that train: train and compare."""

import argparse
import sys
from pathlib import Path

from tqdm import tqdm

from fashion_core import UserError, home, runs
from fashion_core.cli.progress import Bars
from fashion_core.runs import config


def train(options: argparse.Namespace) -> None:
    run = _run_to_train(options)
    _train(run)
    print(run.folder)


def _train(run: runs.Run) -> str:
    """Train `run` to its end in this process, with a bar; returns "finished" or "stopped"."""
    with runs.claim(run) as log:  # before torch is loaded, so that a second start is refused at once
        from fashion_core.engine.worker import work

        bar = tqdm(desc="training", unit="step", file=sys.stderr)

        def tee(type: str, **fields: object) -> None:
            log(type, **fields)
            _show(bar, type, fields)

        try:
            return work(run, tee, show=lambda text: tqdm.write(text, file=sys.stderr))
        finally:
            bar.close()


def _run_to_train(options: argparse.Namespace) -> runs.Run:
    if options.resume:
        run = runs.get(options.resume, options.runs)
        if options.set:
            raise UserError("A resumed run keeps its settings: leave --set out, or start a new run.")
        if run.state == "finished":
            raise UserError(f"Run {run.id} is finished already: start a new run to train on.")
        if options.dir and options.dir.resolve() != run.dataset:
            raise UserError(f"Run {run.id} trains on {run.dataset}: leave DIR out to resume it.")
        return run
    if not options.dir:
        raise UserError("Say which folder of photos to train on: python -m fashion_core train DIR.")
    if not options.dir.is_dir():
        raise UserError(f"There is no folder {options.dir}: give a folder that holds one folder per class.")
    recipe = config.preset(options.preset).changed(_settings(options.set))
    return runs.create(recipe, options.dir, options.runs)


def _settings(words: list[str]) -> dict[str, str]:
    """What follows --set: key=value, and again."""
    pairs = [word.partition("=") for word in words]
    for key, sign, _ in pairs:
        if not sign:
            raise UserError(f"--set takes key=value, not {key!r}.")
    return {key: value for key, _, value in pairs}


def _show(bar: tqdm, type: str, fields: dict) -> None:
    if type == "start":
        bar.total, bar.n = fields["total_steps"], fields["step"]
        bar.refresh()
    elif type == "step":
        bar.set_postfix(loss=f"{fields['loss']:.3f}", refresh=False)
        bar.update()
    elif type == "epoch":
        tqdm.write(
            f"epoch {fields['epoch']:3}  "
            f"train loss {fields['train_loss']:.4f} accuracy {fields['train_accuracy']:.4f}  "
            f"validation loss {fields['validation_loss']:.4f} accuracy {fields['validation_accuracy']:.4f}",
            file=sys.stderr,
        )
    elif type == "evaluate":
        tqdm.write(
            f"test accuracy {fields['accuracy']:.4f}, macro-F1 {fields['macro_f1']:.4f} on {fields['n']} photos",
            file=sys.stderr,
        )


def compare(options: argparse.Namespace) -> int:
    from fashion_core.photos import dataset, label_corrections
    from fashion_core.reports import comparison
    from fashion_core.runs import experiment

    if options.out:
        comparison.check_name(options.out)
    paper, given = options.dir == "paper", _settings(options.set)
    if paper:
        given = {"pretrained": "imagenet"} | given
    elif options.local:
        raise UserError("--from goes with the word paper: for photos of your own, give their folder as DIR.")
    folder = home() / "data" / "paper" if paper else Path(options.dir)
    given = {"decisions": label_corrections.resolve_setting(label_corrections.AUTO, folder)} | given
    what = options.what or ("all" if options.only or not paper else "paper")
    only = options.only or ((options.preset, *experiment.PAPERS_OWN) if what == "paper" else None)
    tables = [what] if what in experiment.EXPERIMENTS else list(experiment.EXPERIMENTS)
    variants = experiment.plan(tables, options.preset, given, options.seeds, only)
    if options.list:
        for variant in variants:
            print(f"# {variant.experiment}: {variant.name}")
            for recipe in variant.configs:
                print(experiment.command(recipe, folder, options.runs))
        return 0
    bars = Bars()
    if paper and not folder.is_dir():
        from fashion_core.photos.sources import fetch as get

        get("paper", folder, options.local, bars)
    recipe = variants[0].configs[0]
    photos = dataset.load(folder, recipe.split_seed, bars, recipe.split_groups)
    bars.close()
    finished, failed = _train_what_is_missing(variants, folder, photos.fingerprint, options.runs)
    frame, notes = comparison.results(variants, finished, photos)
    print(comparison.markdown(frame, notes))
    if options.out:
        print(comparison.save(frame, options.out, notes), file=sys.stderr)
    return int(failed)


def _train_what_is_missing(
    variants: list, photos: Path, fingerprint: str, folder: Path | None
) -> tuple[dict[config.TrainConfig, runs.Run], bool]:
    """Every recipe's finished run, and whether one could not be trained; the others are trained all the same."""
    from fashion_core.runs import experiment

    finished, failed = {}, False
    for recipe in dict.fromkeys(recipe for variant in variants for recipe in variant.configs):
        run = experiment.find(recipe, photos, fingerprint, runs.find(folder))
        if run is None or run.state != "finished":
            runs.refuse_if_busy(folder)
            run = run or runs.create(recipe, photos, folder)
            print(f"busana: {run.id}: {experiment.title(recipe.as_dict())}", file=sys.stderr)
            try:
                if _train(run) == "stopped":
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
