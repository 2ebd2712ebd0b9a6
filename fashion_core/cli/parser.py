"""The command line's arguments: one function for each group of commands."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from fashion_core import UserError
from fashion_core.cli import models, photos, training
from fashion_core.cli.tag import tag
from fashion_core.cli.web import app
from fashion_core.files import given_path
from fashion_core.runs import config

Command = Callable[..., argparse.ArgumentParser]  # name, function, help and perhaps aliases


def parser() -> argparse.ArgumentParser:
    """Every command with its arguments; `options.command(options)` runs the one that was asked for."""
    called = "python -m fashion_core" if Path(sys.argv[0]).name == "__main__.py" else "busana"
    whole = argparse.ArgumentParser(prog=called, description="Train, inspect and share apparel photo classifiers.")
    commands = whole.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[argparse.Namespace], int | None], help: str, aliases: Sequence[str] = ()
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help, aliases=aliases)
        sub.set_defaults(command=run)
        return sub

    sub = command("app", app, "Open the web app; options of `streamlit run` may follow, as --server.port 8600.")
    sub.usage = "%(prog)s [-h] [options of streamlit run]"
    _photos(command)
    _training(command)
    _models(command)
    _tag(command)
    return whole


def _path(text: str) -> Path:
    """A path as a person types or pastes it, with `~`, quotes or file://."""
    try:
        return given_path(text)
    except UserError as reason:
        raise argparse.ArgumentTypeError(str(reason)) from None


def _photos(command: Command) -> None:
    sub = command("sample", photos.sample, "Render the sample set: ten classes, no download.")
    sub.add_argument("out", type=_path)
    sub.add_argument("--per-class", type=int, default=60)
    sub.add_argument("--seed", type=int, default=0)

    sub = command("fetch", photos.fetch, "Download a set of photos, or take a folder or zip that you already have.")
    sub.add_argument("name", choices=("paper", "clothing", "products"))
    sub.add_argument("out", type=_path)
    sub.add_argument("--from", dest="local", type=_path, help="a folder, zip or tar that you already have")
    sub.add_argument("--without", type=_path, help="products: leave out what is, or nearly is, in this folder")
    sub.add_argument("--all-colours", action="store_true", help="paper: every colour of the five garments, 24 classes")

    sub = command("check", photos.check, "Audit a folder of photos: counts, unreadable files, duplicates.")
    sub.add_argument("dir", type=_path)
    sub.add_argument("--json", action="store_true")
    sub.add_argument("--model", help="also look for near-duplicates that thumbnails do not show, by its embeddings")
    sub.add_argument("--write", action="store_true", help="with --model: keep what is found in a file beside DIR")


def _training(command: Command) -> None:
    sub = command("train", training.train, "Train a classifier; prints the run's folder as its last line.")
    sub.add_argument("dir", type=_path, nargs="?", help="a folder per class")
    sub.add_argument("--preset", default="paper", help=", ".join(config.PRESETS))
    sub.add_argument("--set", nargs="+", action="extend", default=[], metavar="key=value")
    sub.add_argument(
        "--resume",
        metavar="RUN",
        help="go on with this run, its name or folder; with --set by other settings, with DIR where its photos are now",
    )
    sub.add_argument(
        "--finish", action="store_true", help="with --resume: train no further, test and keep its best epoch"
    )
    sub.add_argument("--runs", type=_path, help="where run folders go (default: runs/)")

    sub = command("compare", training.compare, "Train variants of a recipe on the same photos; prints a table of them.")
    sub.add_argument("dir", help='a folder per class, or the word "paper": its photos, fetched if they are not here')
    sub.add_argument(
        "--what", choices=("recipes", "architectures", "paper", "all"), help="default: all; for paper: its own"
    )
    sub.add_argument("--preset", default="best", help=f"the base: {', '.join(config.PRESETS)}")
    sub.add_argument("--set", nargs="+", action="extend", default=[], metavar="key=value", help="for every variant")
    sub.add_argument("--seeds", nargs="+", type=int, default=[0], metavar="SEED")
    sub.add_argument("--runs", type=_path, help="where run folders are and go (default: runs/)")
    sub.add_argument("--only", nargs="+", metavar="NAME", help="only these variants")
    sub.add_argument("--out", type=_path, help="also keep the table as this .md or .csv file")
    sub.add_argument("--list", action="store_true", help="print the train commands and train nothing")
    sub.add_argument("--from", dest="local", type=_path, help="paper: a folder, zip or tar of its photos that you have")


def _models(command: Command) -> None:
    sub = command("evaluate", models.evaluate, "Test a model on a folder of labelled photos.")
    sub.add_argument("model", help="a run, a weights folder or a name in weights/")
    sub.add_argument("dir", type=_path, help='a folder per class, or the word "examples": the photos that ship')
    sub.add_argument("--split", choices=("test",), help="only test/ in DIR, or what training left for it")
    sub.add_argument("--known", action="store_true", help="leave out photos of classes that the model does not have")
    sub.add_argument(
        "--store", action="store_true", help="DIR is examples: keep the answers and their figures beside the model"
    )
    sub.add_argument("--json", action="store_true")
    sub.add_argument("--out", type=_path, help="also keep the predictions as this parquet file")
    sub.add_argument("--review", type=_path, help="a CSV of photo and verdict: the figures for each verdict too")

    sub = command("predict", models.predict, "Name what is on photos, with confidences.")
    sub.add_argument("model", help="a run, a weights folder or a name in weights/")
    sub.add_argument("files", nargs="+", type=_path)
    sub.add_argument("--top", type=int, default=3)
    sub.add_argument("--json", action="store_true")

    sub = command("label-issues", models.label_issues, "Labels that look wrong, worst first.", aliases=["suspects"])
    sub.add_argument("model", metavar="run", help="a run, a weights folder or a name in weights/")
    sub.add_argument("--all", action="store_true", help="of all photos, cross-validated, not of the test alone")
    sub.add_argument("--json", action="store_true")

    sub = command(
        "report", models.report, "One self-contained HTML page of a model: curves, matrix, worst photos, card."
    )
    sub.add_argument("model", metavar="run", help="a run, a weights folder or a name in weights/")
    sub.add_argument("--out", type=_path, help="the page's file (default: NAME-report.html here)")

    sub = command("publish", models.publish, "Copy a finished run's model to weights/NAME.")
    sub.add_argument("run")
    sub.add_argument("name")
    sub.add_argument("--about", type=_path, help="Markdown for the card: the photos, their licences, intended use")
    sub.add_argument("--seeds", nargs="+", default=[], metavar="RUN", help="runs of the same recipe with other seeds")
    sub.add_argument("--review", type=_path, help="a CSV of photo and verdict: the figures for each verdict too")


def _tag(command: Command) -> None:
    sub = command("tag", tag, "Name what is on many photos, in one Parquet file; it goes on after a stop.")
    sub.add_argument("model", help="a run, a weights folder or a name in weights/")
    sub.add_argument("photos", type=_path, help="a folder, a zip, or a text file with a path on each line")
    sub.add_argument("--out", type=_path, required=True, metavar="FILE.parquet")
    sub.add_argument("--ray", metavar="HOST:PORT", help="by the Ray cluster there; local: by one of this machine")
    sub.add_argument("--workers", type=int, metavar="N", help="with --ray: processes; default: as the cores allow")
