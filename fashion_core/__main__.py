"""The command line: `busana COMMAND …` or `python -m fashion_core COMMAND …`; `--help` lists the commands."""

import argparse
import json
import runpy
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from fashion_core import APP, UserError, config, home, runs
from fashion_core.imaging import shown

if TYPE_CHECKING:
    from fashion_core.dataset import Dataset


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Exit status: 0 fine, 1 bad photos, 2 a mistake that one sentence on stderr explains."""
    parser = _parser()
    options, options.rest = parser.parse_known_args(arguments)
    if options.rest and options.command is not app:
        parser.error(f"unrecognized arguments: {' '.join(options.rest)}")
    try:
        return options.command(options) or 0
    except UserError as error:
        print(f"busana: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"busana: {error.filename or 'a file'}: {error.strerror}; mend that and try again.", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "torchvision"):
            raise
        print(f'busana: this needs {error.name}: install Busana with its extra "train".', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("busana: interrupted.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    called = "python -m fashion_core" if Path(sys.argv[0]).name == "__main__.py" else "busana"
    parser = argparse.ArgumentParser(prog=called, description="Train, inspect and share apparel photo classifiers.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable, help: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help)
        sub.set_defaults(command=run)
        return sub

    sub = command("app", app, "Open the web app; options of `streamlit run` may follow, as --server.port 8600.")
    sub.usage = "%(prog)s [-h] [options of streamlit run]"

    sub = command("sample", sample, "Render the sample set: ten classes, no download.")
    sub.add_argument("out", type=Path)
    sub.add_argument("--per-class", type=int, default=60)
    sub.add_argument("--seed", type=int, default=0)

    sub = command("fetch", fetch, "Download a set of photos, or take a folder or zip that you already have.")
    sub.add_argument("name", choices=("paper", "clothing", "products"))
    sub.add_argument("out", type=Path)
    sub.add_argument("--from", dest="local", type=Path, help="a folder or zip that you already have")
    sub.add_argument("--without", type=Path, help="products: leave out what is, or nearly is, in this folder of photos")

    sub = command("check", check, "Audit a folder of photos: counts, unreadable files, duplicates.")
    sub.add_argument("dir", type=Path)
    sub.add_argument("--json", action="store_true")

    sub = command("train", train, "Train a classifier; prints the run's folder as its last line.")
    sub.add_argument("dir", type=Path, nargs="?", help="a folder per class")
    sub.add_argument("--preset", default="paper", help=", ".join(config.PRESETS))
    sub.add_argument("--set", nargs="+", action="extend", default=[], metavar="key=value")
    sub.add_argument("--resume", metavar="RUN", help="go on with this run: its name or folder")
    sub.add_argument("--runs", type=Path, help="where run folders go (default: runs/)")

    sub = command("compare", compare, "Train variants of a recipe on the same photos; prints a table of them.")
    sub.add_argument("dir", help='a folder per class, or the word "paper": its photos, fetched if they are not here')
    sub.add_argument(
        "--what", choices=("recipes", "architectures", "paper", "all"), help="default: all; for paper: its own"
    )
    sub.add_argument("--preset", default="best", help=f"the base: {', '.join(config.PRESETS)}")
    sub.add_argument("--set", nargs="+", action="extend", default=[], metavar="key=value", help="for every variant")
    sub.add_argument("--seeds", nargs="+", type=int, default=[0], metavar="SEED")
    sub.add_argument("--runs", type=Path, help="where run folders are and go (default: runs/)")
    sub.add_argument("--only", nargs="+", metavar="NAME", help="only these variants")
    sub.add_argument("--out", type=Path, help="also keep the table as this .md or .csv file")
    sub.add_argument("--list", action="store_true", help="print the train commands and train nothing")
    sub.add_argument("--from", dest="local", type=Path, help="paper: a folder or zip of its photos that you have")

    sub = command("evaluate", evaluate, "Test a model on a folder of labelled photos.")
    sub.add_argument("model", help="a run, a weights folder or a name in weights/")
    sub.add_argument("dir", type=Path)
    sub.add_argument("--split", choices=("test",), help="only test/ in DIR, or what training left for it")
    sub.add_argument("--json", action="store_true")
    sub.add_argument("--out", type=Path, help="also keep the predictions as this parquet file")
    sub.add_argument("--review", type=Path, help="a CSV of photo and verdict: the figures for each verdict too")

    sub = command("predict", predict, "Name what is on photos, with confidences.")
    sub.add_argument("model", help="a run, a weights folder or a name in weights/")
    sub.add_argument("files", nargs="+", type=Path)
    sub.add_argument("--top", type=int, default=3)
    sub.add_argument("--json", action="store_true")

    sub = command("suspects", suspects, "Labels that look wrong, worst first.")
    sub.add_argument("model", metavar="run", help="a run, a weights folder or a name in weights/")
    sub.add_argument("--all", action="store_true", help="of all photos, cross-validated, not of the test alone")
    sub.add_argument("--json", action="store_true")

    sub = command("report", report, "One self-contained HTML page of a model: curves, matrix, worst photos, card.")
    sub.add_argument("model", metavar="run", help="a run, a weights folder or a name in weights/")
    sub.add_argument("--out", type=Path, help="the page's file (default: NAME-report.html here)")

    sub = command("publish", publish, "Copy a finished run's model to weights/NAME.")
    sub.add_argument("run")
    sub.add_argument("name")
    sub.add_argument("--about", type=Path, help="Markdown for the card: the photos, their licences, intended use")
    sub.add_argument("--seeds", nargs="+", default=[], metavar="RUN", help="runs of the same recipe with other seeds")
    sub.add_argument("--review", type=Path, help="a CSV of photo and verdict: the figures for each verdict too")
    return parser


class Bars:
    """Progress callbacks as bars on stderr, one per kind of work; silent for work that ends at once."""

    def __init__(self) -> None:
        self.bar: tqdm | None = None

    def __call__(self, done: int, total: int, what: str) -> None:
        if self.bar is None or self.bar.desc != what:
            self.close()
            self.bar = tqdm(total=total, desc=what, unit="photo", file=sys.stderr, delay=0.5)
            self.bar.desc = what
        self.bar.update(done - self.bar.n)

    def close(self) -> None:
        """End the bar that is open."""
        if self.bar is not None:
            self.bar.close()


def app(options: argparse.Namespace) -> None:
    """`streamlit run` in this process, whatever the working folder; its settings are those beside app.py."""
    sys.argv = ["streamlit", "run", str(APP / "app.py"), *options.rest]
    runpy.run_module("streamlit", run_name="__main__")


def sample(options: argparse.Namespace) -> None:
    from fashion_core.sample import render

    render(options.out, options.per_class, options.seed, Bars())
    print(options.out)


def fetch(options: argparse.Namespace) -> None:
    from fashion_core.sources import fetch as get

    print(get(options.name, options.out, options.local, Bars(), options.without))


def check(options: argparse.Namespace) -> None:
    from fashion_core.dataset import report

    found = report(options.dir, Bars())
    if options.json:
        print(json.dumps(found))
        return
    for name, count in found["classes"].items():
        print(shown(f"{count:6}  {name}"))
    for bad in found["unreadable"]:
        print(shown(f"unreadable: {bad['path']}: {bad['reason']}"))
    print(
        f"{len(found['duplicates'])} groups of near-duplicates, "
        f"{found['cross_split_duplicates']} of them across the split"
    )


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
    from fashion_core import dataset, decisions, experiment

    if options.out:
        experiment.check_name(options.out)
    paper, given = options.dir == "paper", _settings(options.set)
    if paper:
        given = {"pretrained": "imagenet"} | given
    elif options.local:
        raise UserError("--from goes with the word paper: for photos of your own, give their folder as DIR.")
    folder = home() / "data" / "paper" if paper else Path(options.dir)
    given = {"decisions": decisions.settled(decisions.AUTO, folder)} | given
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
        from fashion_core.sources import fetch as get

        get("paper", folder, options.local, bars)
    recipe = variants[0].configs[0]
    photos = dataset.load(folder, recipe.split_seed, bars, recipe.split_groups)
    bars.close()
    finished, failed = _train_what_is_missing(variants, folder, photos.fingerprint, options.runs)
    frame, notes = experiment.results(variants, finished, photos)
    print(experiment.markdown(frame, notes))
    if options.out:
        print(experiment.save(frame, options.out, notes), file=sys.stderr)
    return int(failed)


def _train_what_is_missing(
    variants: list, photos: Path, fingerprint: str, folder: Path | None
) -> tuple[dict[config.TrainConfig, runs.Run], bool]:
    """Every recipe's finished run, and whether one could not be trained; the others are trained all the same."""
    from fashion_core import experiment

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


def evaluate(options: argparse.Namespace) -> None:
    from fashion_core import dataset, predictor
    from fashion_core.evaluation import read_review

    verdicts = read_review(options.review) if options.review else None
    folder = predictor.resolve(options.model)
    card = predictor.read_card(folder)
    bars = Bars()
    data = _photos_to_test(options, card, bars)
    from fashion_core.engine import evaluate as engine

    network, about = engine.load_network(folder / "model.safetensors")
    pixels = dataset.arrays(data, card["image_size"], bars)
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
            print(shown(f"unreadable: {bad['path']}: {bad['reason']}"), file=sys.stderr)


def _photos_to_test(options: argparse.Namespace, card: dict, bars: Bars) -> "Dataset":
    """All of DIR, or its test/; or, where it is the folder that the model learned from, what was left for the test."""
    from fashion_core import dataset

    if options.split != "test" or (options.dir / "test").is_dir():
        return dataset.load_for_test(options.dir, only_test=options.split == "test", progress=bars)
    recipe = card.get("config") or {}
    data = dataset.load(options.dir, recipe.get("split_seed", 0), bars, recipe.get("split_groups", True))
    if data.fingerprint != (card.get("dataset") or {}).get("fingerprint"):
        raise UserError(
            f"{shown(options.dir)} has no test/ folder, nor is it what {card['name']} was trained on; leave --split "
            "out to use all photos."
        )
    return data


def predict(options: argparse.Namespace) -> int:
    from fashion_core.predictor import Predictor, predict_files, resolve

    bad = False
    for answer in predict_files(Predictor(resolve(options.model)), options.files, options.top):
        bad = bad or answer["error"] is not None
        if options.json:
            print(json.dumps(answer), flush=True)
        elif answer["error"]:
            print(shown(f"busana: {answer['path']}: {answer['error']}"), file=sys.stderr)
        else:
            best = ", ".join(f"{top['label']} {top['probability']:.1%}" for top in answer["top"])
            print(shown(f"{answer['path']}: {best}"))
    return int(bad)


def suspects(options: argparse.Namespace) -> None:
    from fashion_core.evaluation import Evaluation
    from fashion_core.evidence import FILE, Evidence
    from fashion_core.predictor import resolve
    from fashion_core.suspects import find, out_of_fold

    folder = resolve(options.model)
    if options.all:
        answers = out_of_fold(Evidence.load(folder / FILE))
    else:
        answers = Evaluation.load(folder / "evaluation.parquet")
    found = find(answers).drop(columns="index")
    if options.json:
        rows = found.assign(path=found["path"].map(shown), score=found["score"].astype(float)).to_dict("records")
        print(json.dumps(rows))
        return
    for row in found.itertuples():
        print(shown(f"{row.score:6.1%}  {row.path}  {row.label}, perhaps {row.predicted}"))
    print(f"{len(found)} labels look wrong", file=sys.stderr)


def report(options: argparse.Namespace) -> None:
    from fashion_core.predictor import read_card, resolve
    from fashion_core.report import of_model

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
    from fashion_core import dataset
    from fashion_core.predictor import read_card

    try:
        data = dataset.load(run.dataset, run.config.split_seed, Bars(), run.config.split_groups)
    except UserError as reason:
        print(f"busana: published without look-alikes and heat maps: {reason}", file=sys.stderr)
        return
    if data.fingerprint != (read_card(folder).get("dataset") or {}).get("fingerprint"):
        print(
            f"busana: published without look-alikes and heat maps: the photos in {shown(run.dataset)} are not those "
            f"that {run.id} learned from.",
            file=sys.stderr,
        )
        return
    from fashion_core.engine.evidence import add_to

    add_to(folder, data)


def _complete(folder: Path, run: runs.Run, options: argparse.Namespace) -> None:
    """What a run's model lacks: a name, perhaps the IR, what its seeds and the review say, README.md."""
    from fashion_core import card as cards
    from fashion_core import evidence, sample
    from fashion_core.evaluation import Evaluation, read_review

    if not (folder / "model.xml").exists():  # trained on a machine without OpenVINO
        from fashion_core.engine.export import add_ir

        add_ir(folder)
    if not (folder / evidence.FILE).exists():  # trained before its evidence was kept
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
    runs.write_json(folder / "card.json", card)


if __name__ == "__main__":
    sys.exit(main())
