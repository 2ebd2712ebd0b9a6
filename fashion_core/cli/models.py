"""Commands on trained models: evaluate, predict, label-issues, report, publish."""

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fashion_core import UserError, runs
from fashion_core.cli.progress import Bars
from fashion_core.files import safe_name, write_text
from fashion_core.photos.imaging import printable

if TYPE_CHECKING:
    from fashion_core.evaluation.evaluation import Evaluation
    from fashion_core.models.card import ModelCard
    from fashion_core.photos.dataset import Dataset


def evaluate(options: argparse.Namespace) -> None:
    from fashion_core.evaluation import people
    from fashion_core.evaluation.evaluation import read_review
    from fashion_core.models.card import ModelCard
    from fashion_core.models.registry import resolve

    verdicts = read_review(options.review) if options.review else None
    folder, directory, bars = resolve(options.model), _photos_meant(options), Bars()
    card = ModelCard.read(folder)
    data = _photos_to_test(options, directory, card, bars)
    whole = _answers(options, folder, card, data, bars)
    bars.close()
    result, garments = people.known_part(whole, card.classes), people.by_garment(whole)
    if options.out:
        result.save(options.out)
    if options.store:
        _store_people(folder, data, whole)
    more: dict[str, Any] = {"left_out": _tested(data) - len(result)} if options.known else {}
    more |= {"garment": _garment_figures(garments)} if garments else {}
    review = result.reviewed(verdicts) if verdicts else {}
    more |= {"review": {verdict: found._asdict() for verdict, found in review.items()}} if verdicts else {}
    if options.json:
        print(json.dumps(result.summary() | more))
    else:
        _print_figures(result, more)


def _photos_meant(options: argparse.Namespace) -> Path:
    """DIR; or the photos that ship, where it is the word for them and no such folder is here."""
    from fashion_core.photos import examples

    given: Path = options.dir
    shipped = examples.folder()
    if shipped and str(given) == examples.FOLDER and not given.exists():
        given = shipped
    if options.store and (shipped is None or given.resolve() != shipped.resolve()):
        raise UserError(f"--store keeps the answers to the photos that ship: give {examples.FOLDER} as DIR.")
    options.known = options.known or options.store
    return given


def _answers(options: argparse.Namespace, folder: Path, card: "ModelCard", data: "Dataset", bars: Bars) -> "Evaluation":
    """Of all photos; or with --known of those whose class or garment the model has, under their own labels."""
    from fashion_core.engine import evaluate as engine
    from fashion_core.engine import people
    from fashion_core.photos import examples
    from fashion_core.photos.pixels import decode_photos

    split = options.split or "all"
    if options.known:
        return people.answer(folder, examples.answerable(data, card.classes), split, bars)
    network, about = engine.load_network(folder / "model.safetensors")
    pixels, rows = decode_photos(data, card.image_size, bars), engine.rows_of(data, "test")
    return engine.evaluate(network, about, data, rows, card.temperature, card.name, split, pixels)


def _tested(data: "Dataset") -> int:
    return int((data.photos["split"] == "test").sum())


def _garment_figures(garments: "Evaluation") -> dict[str, float]:
    return {"n": len(garments), "right": int(garments.right.sum()), "accuracy": garments.accuracy}


def _print_figures(result: "Evaluation", more: dict[str, Any]) -> None:
    print(result.report().round(4).to_string(index=False))
    if garment := more.get("garment"):
        print(f"garment alone: accuracy {garment['accuracy']:.4f} on {garment['n']}")
    for verdict, found in more.get("review", {}).items():
        print(f"{verdict}: accuracy {found['accuracy']:.4f}, macro-F1 {found['macro_f1']:.4f} on {found['n']}")
    if left_out := more.get("left_out"):
        print(f"busana: {left_out} photos of classes that the model does not have are left out.", file=sys.stderr)
    for bad in result.meta.unreadable:
        print(printable(f"unreadable: {bad.path}: {bad.reason}"), file=sys.stderr)


def _store_people(folder: Path, data: "Dataset", whole: "Evaluation") -> None:
    """Keep the answers to the photos in examples/ beside the model, their figures in its card and its README.md."""
    from fashion_core.engine.people import explain
    from fashion_core.evaluation import people
    from fashion_core.models.card import ModelCard
    from fashion_core.photos import examples
    from fashion_core.reports import model_readme

    card = ModelCard.read(folder)
    people.save(folder, whole, card.classes, explain(folder, examples.answerable(data, card.classes)))
    metrics = replace(card.metrics, people=people.figures(whole, card.classes))
    replace(card, metrics=metrics).write(folder)
    if (folder / model_readme.FILE).is_file():
        write_text(folder / model_readme.FILE, model_readme.rewritten(folder))


def _add_people(folder: Path) -> None:
    """The step of `publish`: a model that knows none of the photos in examples/ is published without."""
    from fashion_core.engine.people import answer
    from fashion_core.models.card import ModelCard
    from fashion_core.photos import dataset, examples

    try:
        root = examples.folder()
        if root is None:
            raise UserError(f"there is no folder {examples.FOLDER} here.")
        data = dataset.load_for_test(root)
        _store_people(folder, data, answer(folder, examples.answerable(data, ModelCard.read(folder).classes)))
    except UserError as reason:
        _warn(f"published without figures on photos people took: {reason}")


def _photos_to_test(options: argparse.Namespace, directory: Path, card: "ModelCard", bars: Bars) -> "Dataset":
    """All of `directory`, or its test/; where it is what the model learned from, what was left for the test."""
    from fashion_core.photos import dataset

    if options.split != "test" or dataset.has_split(directory, "test"):
        return dataset.load_for_test(directory, only_test=options.split == "test", progress=bars)
    data = dataset.load(directory, card.recipe.split_seed, bars, card.recipe.split_groups)
    if data.fingerprint != card.dataset.fingerprint:
        raise UserError(
            f"{printable(directory)} has no test/ folder, nor is it what {card.name} was trained on; leave --split "
            "out to use all photos."
        )
    return data


def predict(options: argparse.Namespace) -> int:
    from fashion_core.evaluation.states import NAMES, State
    from fashion_core.models import precision
    from fashion_core.models.predictor import Predictor, load_explanations, predict_files
    from fashion_core.models.registry import resolve

    if options.top < 1:
        raise UserError(f"--top is how many classes to name: give 1 or more, not {options.top}.")
    photos = [photo for given in options.files for photo in _photos_at(given)]
    folder, bad = resolve(options.model), False
    predictor = Predictor(folder)
    if predictor.why and precision.asked() == precision.BFLOAT16:
        _warn(predictor.why)
    for answer in predict_files(predictor, photos, options.top, load_explanations(folder)):
        bad = bad or answer["error"] is not None
        if options.json:
            print(json.dumps(answer), flush=True)
        elif answer["error"]:
            print(printable(f"busana: {answer['path']}: {answer['error']}"), file=sys.stderr)
        else:
            best = ", ".join(f"{top['label']} {top['probability']:.1%}" for top in answer["top"])
            state = answer["warning"] or f"{NAMES[State(answer['state'])]}."
            print(printable(f"{answer['path']}: {best}  ({state})"))
    return int(bad)


def _photos_at(path: Path) -> list[Path]:
    """`path` itself; of a folder all files in it and below, by name, without those of systems and file managers."""
    if not path.is_dir():
        return [path]
    from fashion_core.photos.layout import is_system_name  # which loads pandas

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
    steps = publishing.Steps(_add_ir, _add_explanations, markdown, _warn, Bars(), _add_people)
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
