"""Commands on trained models: evaluate, predict, suspects, report, publish."""

import argparse
import json
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fashion_core import UserError, files, home, runs
from fashion_core.cli.progress import Bars
from fashion_core.photos.imaging import printable

if TYPE_CHECKING:
    from fashion_core.photos.dataset import Dataset

_NO_PHOTOS = ("thumbs.db", "desktop.ini")  # what file managers leave in folders of photos


def evaluate(options: argparse.Namespace) -> None:
    from fashion_core.evaluation.evaluation import read_review
    from fashion_core.models.card import read_card
    from fashion_core.models.registry import resolve
    from fashion_core.photos.pixels import decode_photos

    verdicts = read_review(options.review) if options.review else None
    folder = resolve(options.model)
    card = read_card(folder)
    bars = Bars()
    data = _photos_to_test(options, card, bars)
    from fashion_core.engine import evaluate as engine

    network, about = engine.load_network(folder / "model.safetensors")
    pixels = decode_photos(data, card["image_size"], bars)
    bars.close()
    split = options.split or "all"
    result = engine.evaluate(
        network, about, data, engine.rows_of(data, "test"), card["temperature"], card["name"], split, pixels
    )
    review = result.reviewed(verdicts) if verdicts else {}
    if options.out:
        result.save(options.out)
    if options.json:
        print(json.dumps(result.summary() | ({"review": review} if verdicts else {})))
    else:
        print(result.report().round(4).to_string())
        for verdict, found in review.items():
            print(f"{verdict}: accuracy {found['accuracy']:.4f}, macro-F1 {found['macro_f1']:.4f} on {found['n']}")
        for bad in result.meta["unreadable"]:
            print(printable(f"unreadable: {bad['path']}: {bad['reason']}"), file=sys.stderr)


def _photos_to_test(options: argparse.Namespace, card: dict, bars: Bars) -> "Dataset":
    """All of DIR, or its test/; or, where it is the folder that the model learned from, what was left for the test."""
    from fashion_core.photos import dataset

    if options.split != "test" or (options.dir / "test").is_dir():
        return dataset.load_for_test(options.dir, only_test=options.split == "test", progress=bars)
    recipe = card.get("config") or {}
    data = dataset.load(options.dir, recipe.get("split_seed", 0), bars, recipe.get("split_groups", True))
    if data.fingerprint != (card.get("dataset") or {}).get("fingerprint"):
        raise UserError(
            f"{printable(options.dir)} has no test/ folder, nor is it what {card['name']} was trained on; leave "
            "--split "
            "out to use all photos."
        )
    return data


def predict(options: argparse.Namespace) -> int:
    from fashion_core.models.predictor import Predictor, load_explanations, predict_files
    from fashion_core.models.registry import resolve

    if options.top < 1:
        raise UserError(f"--top is how many classes to name: give 1 or more, not {options.top}.")
    photos = [photo for given in options.files for photo in _photos_at(files.given_path(given))]
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
    """`path` itself; of a folder all files in it and below, by name, without hidden ones and those of file managers."""
    if not path.is_dir():
        return [path]
    found = []
    for folder, below, names in os.walk(path):
        below[:] = sorted(name for name in below if not name.startswith((".", "@", "__MACOSX")))
        found += [Path(folder, n) for n in sorted(names) if not n.startswith(".") and n.lower() not in _NO_PHOTOS]
    if not found:
        raise UserError(f"There is no photo in {printable(path)}: give photos, or a folder that holds some.")
    print(printable(f"busana: {path} is a folder: its {len(found)} files are read."), file=sys.stderr)
    return found


def suspects(options: argparse.Namespace) -> None:
    from fashion_core.evaluation.evaluation import Evaluation
    from fashion_core.evaluation.explanations import FILE, Explanations
    from fashion_core.evaluation.label_issues import find_label_issues, out_of_fold
    from fashion_core.models.registry import resolve

    folder = resolve(options.model)
    if options.all:
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
    from fashion_core.models.card import read_card
    from fashion_core.models.registry import resolve
    from fashion_core.reports.html import of_model

    folder = resolve(options.model)
    out = options.out or Path(f"{read_card(folder).get('name') or folder.name}-report.html")
    out.write_text(of_model(folder), "utf-8")
    print(out)


def publish(options: argparse.Namespace) -> None:
    run = runs.get(options.run)
    if run.model_folder is None:
        raise UserError(f"Run {run.id} has no model yet ({run.state}): let it finish, then publish it.")
    if Path(options.name).name != options.name or options.name.startswith("."):
        raise UserError(f"{options.name!r} cannot be a folder's name: use letters, digits, dashes.")
    target = home() / "weights" / options.name
    if target.exists():
        raise UserError(f"{target} exists already: choose another name, or remove that folder first.")
    beside = target.with_name(f".{options.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        shutil.copytree(run.model_folder, beside)
        _complete(beside, run, options)
        beside.rename(target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    print(target)


def _add_evidence(folder: Path, run: runs.Run) -> None:
    """Gather it from the photos that the run learned from; where these are gone or others, say so and go without."""
    from fashion_core.models.card import read_card
    from fashion_core.photos import dataset

    try:
        data = dataset.load(run.dataset, run.config.split_seed, Bars(), run.config.split_groups)
    except UserError as reason:
        print(f"busana: published without look-alikes and heat maps: {reason}", file=sys.stderr)
        return
    if data.fingerprint != (read_card(folder).get("dataset") or {}).get("fingerprint"):
        print(
            f"busana: published without look-alikes and heat maps: the photos in {printable(run.dataset)} are not "
            "those "
            f"that {run.id} learned from.",
            file=sys.stderr,
        )
        return
    from fashion_core.engine.explanations import add_explanations

    add_explanations(folder, data)


def _complete(folder: Path, run: runs.Run, options: argparse.Namespace) -> None:
    """What a run's model lacks: a name, perhaps the IR, what its seeds and the review say, README.md."""
    from fashion_core.evaluation import explanations
    from fashion_core.evaluation.evaluation import Evaluation, read_review
    from fashion_core.photos import sample
    from fashion_core.reports import model_readme as cards

    if not (folder / "model.xml").exists():  # trained on a machine without OpenVINO
        from fashion_core.engine.export import add_ir

        add_ir(folder)
    if not (folder / explanations.FILE).exists():  # trained before its evidence was kept
        _add_evidence(folder, run)
    if problem := cards.size_problem(folder):
        raise UserError(problem)
    test = Evaluation.load(folder / "evaluation.parquet")
    test = replace(
        test, root=Path(test.root).name, meta=test.meta | {"model": options.name, "sample": sample.made(run.dataset)}
    )
    card = json.loads((folder / "card.json").read_text()) | {"name": options.name, "run": run.id}
    if options.seeds:
        each = {one.id: one for one in [run, *map(runs.get, options.seeds)]}
        found = {name: (one.config.seed, Evaluation.load(one.evaluation_file)) for name, one in each.items()}
        card["seeds"] = cards.seeds(run.id, test, found)
    if options.review:
        card["metrics"]["review"] = test.reviewed(read_review(options.review))
    about = options.about.read_text("utf-8") if options.about else ""
    test.save(folder / "evaluation.parquet")
    (folder / "README.md").write_text(cards.markdown(card, test, about), "utf-8")
    files.write_json(folder / "card.json", card)
