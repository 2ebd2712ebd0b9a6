"""Commands on trained models: evaluate, predict, label-issues, report, publish."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fashion_core import UserError, runs
from fashion_core.cli.progress import Bars
from fashion_core.files import safe_name, write_text
from fashion_core.photos.imaging import printable

if TYPE_CHECKING:
    from fashion_core.models.card import ModelCard
    from fashion_core.photos.dataset import Dataset


def evaluate(options: argparse.Namespace) -> None:
    from fashion_core.evaluation.evaluation import read_review
    from fashion_core.models.card import ModelCard
    from fashion_core.models.registry import resolve
    from fashion_core.photos.pixels import decode_photos

    verdicts = read_review(options.review) if options.review else None
    folder = resolve(options.model)
    card = ModelCard.read(folder)
    bars = Bars()
    data = _photos_to_test(options, card, bars)
    from fashion_core.engine import evaluate as engine

    network, about = engine.load_network(folder / "model.safetensors")
    pixels = decode_photos(data, card.image_size, bars)
    bars.close()
    split = options.split or "all"
    result = engine.evaluate(
        network, about, data, engine.rows_of(data, "test"), card.temperature, card.name, split, pixels
    )
    review = result.reviewed(verdicts) if verdicts else {}
    if options.out:
        result.save(options.out)
    if options.json:
        figures = {verdict: found._asdict() for verdict, found in review.items()}
        print(json.dumps(result.summary() | ({"review": figures} if verdicts else {})))
    else:
        print(result.report().round(4).to_string(index=False))
        for verdict, found in review.items():
            print(f"{verdict}: accuracy {found.accuracy:.4f}, macro-F1 {found.macro_f1:.4f} on {found.n}")
        for bad in result.meta.unreadable:
            print(printable(f"unreadable: {bad.path}: {bad.reason}"), file=sys.stderr)


def _photos_to_test(options: argparse.Namespace, card: "ModelCard", bars: Bars) -> "Dataset":
    """All of DIR, or its test/; or, where it is the folder that the model learned from, what was left for the test."""
    from fashion_core.photos import dataset

    if options.split != "test" or dataset.has_split(options.dir, "test"):
        return dataset.load_for_test(options.dir, only_test=options.split == "test", progress=bars)
    data = dataset.load(options.dir, card.recipe.split_seed, bars, card.recipe.split_groups)
    if data.fingerprint != card.dataset.fingerprint:
        raise UserError(
            f"{printable(options.dir)} has no test/ folder, nor is it what {card.name} was trained on; leave --split "
            "out to use all photos."
        )
    return data


def predict(options: argparse.Namespace) -> int:
    from fashion_core.models.predictor import Predictor, load_explanations, predict_files
    from fashion_core.models.registry import resolve

    if options.top < 1:
        raise UserError(f"--top is how many classes to name: give 1 or more, not {options.top}.")
    photos = [photo for given in options.files for photo in _photos_at(given)]
    folder, bad = resolve(options.model), False
    for answer in predict_files(Predictor(folder), photos, options.top, load_explanations(folder)):
        bad = bad or answer["error"] is not None
        if options.json:
            print(json.dumps(answer), flush=True)
        elif answer["error"]:
            print(printable(f"busana: {answer['path']}: {answer['error']}"), file=sys.stderr)
        else:
            best = ", ".join(f"{top['label']} {top['probability']:.1%}" for top in answer["top"])
            print(printable(f"{answer['path']}: {best}" + (f"  ({answer['warning']})" if answer["warning"] else "")))
    return int(bad)


def _photos_at(path: Path) -> list[Path]:
    """`path` itself; of a folder all files in it and below, by name, without those of systems and file managers."""
    from fashion_core.photos.layout import is_system_name

    if not path.is_dir():
        return [path]
    found = []
    for folder, below, names in os.walk(path):
        below[:] = sorted(name for name in below if not is_system_name(name))
        found += [Path(folder, name) for name in sorted(names) if not is_system_name(name)]
    if not found:
        raise UserError(f"There is no photo in {printable(path)}: give photos, or a folder that holds some.")
    print(printable(f"busana: {path} is a folder: its {len(found)} files are read."), file=sys.stderr)
    return found


def label_issues(options: argparse.Namespace) -> None:
    from fashion_core.evaluation.evaluation import Evaluation
    from fashion_core.evaluation.explanations import FILE, Explanations
    from fashion_core.evaluation.label_issues import find_label_issues, out_of_fold
    from fashion_core.models.predictor import why_unexplained
    from fashion_core.models.registry import resolve

    folder = resolve(options.model)
    if options.all:
        if not (folder / FILE).exists():
            raise UserError(why_unexplained(folder))
        answers = out_of_fold(Explanations.load(folder / FILE))
    else:
        answers = Evaluation.load(folder / "evaluation.parquet")
    found = find_label_issues(answers).drop(columns="index")
    if options.json:
        rows = found.assign(path=found["path"].map(printable), score=found["score"].astype(float)).to_dict("records")
        print(json.dumps(rows))
        return
    for row in found.itertuples():
        print(printable(f"{row.score:6.1%}  {row.path}  {row.label}, perhaps {row.predicted}"))
    print(f"{len(found)} labels look wrong", file=sys.stderr)


def report(options: argparse.Namespace) -> None:
    from fashion_core.models.card import ModelCard
    from fashion_core.models.registry import resolve
    from fashion_core.reports.html import of_model

    folder = resolve(options.model)
    out = options.out or Path(f"{safe_name(ModelCard.read(folder).name)}-report.html")
    print(write_text(out, of_model(folder)))


def publish(options: argparse.Namespace) -> None:
    from fashion_core.evaluation.evaluation import read_review
    from fashion_core.models import publish as publishing
    from fashion_core.reports.model_readme import markdown

    extras = publishing.Extras(
        about=_text(options.about) if options.about else "",
        seeds=tuple(map(runs.get, options.seeds)),
        verdicts=read_review(options.review) if options.review else {},
    )
    steps = publishing.Steps(_add_ir, _add_explanations, markdown, _warn, Bars())
    print(publishing.publish(runs.get(options.run), options.name, steps, extras))


def _add_ir(folder: Path) -> None:
    from fashion_core.engine.export import add_ir

    add_ir(folder)


def _add_explanations(folder: Path, data: "Dataset") -> None:
    from fashion_core.engine.explanations import add_explanations

    add_explanations(folder, data)


def _warn(text: str) -> None:
    print(printable(f"busana: {text}"), file=sys.stderr)


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{printable(file)} cannot be read as UTF-8 text ({error}): give a Markdown file.") from None
