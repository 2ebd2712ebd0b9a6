"""A run's model → weights/NAME/: a copy with a name of its own, completed with what it lacks, and README.md.

What the engine and the reports do here is handed in, as models may import neither.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from fashion_core import UserError, access, home
from fashion_core.access import Action
from fashion_core.evaluation import explanations
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.files import Progress, atomic_folder, safe_name, write_text
from fashion_core.models.card import ModelCard, SeedResult
from fashion_core.photos import dataset
from fashion_core.photos.imaging import printable
from fashion_core.runs import Run

LARGEST_FILE = 50_000_000  # bytes that many hosts take in one file


@dataclass(frozen=True)
class Steps:
    """`add_ir` writes model.xml into a model folder that lacks it or holds its numbers twice, `add_explanations` what
    lies behind its predictions on these photos; `readme` is the text of README.md; `warn` tells of what could not be
    done; `add_people`, the last, adds its answers to the photos in examples/ and their figures."""

    add_ir: Callable[[Path], None]
    add_explanations: Callable[[Path, dataset.Dataset], None]
    readme: Callable[[ModelCard, Evaluation, str], str]
    warn: Callable[[str], None]
    progress: Progress = None
    add_people: Callable[[Path], None] | None = None


@dataclass(frozen=True)
class Extras:
    """What people add: `about`, Markdown on the photos, their licences, the intended use; `seeds`, runs of the same
    recipe with other seeds; `verdicts`, photo → what a person said of its label."""

    about: str = ""
    seeds: tuple[Run, ...] = ()
    verdicts: Mapping[str, str] = field(default_factory=dict)


def publish(run: Run, name: str, steps: Steps, extras: Extras) -> Path:
    """Copy the model of `run` to weights/`name`; returns that folder. UserError where it cannot be or is there."""
    access.require(Action.PUBLISH)
    source = run.model_folder
    if source is None:
        raise UserError(
            f"Run {run.id} has no model yet ({run.state}): let it finish, or keep its best epoch with "
            f"python -m fashion_core train --resume {run.id} --finish, then publish it."
        )
    if safe_name(name) != name:
        raise UserError(f"{name!r} cannot be a folder's name: use letters, digits, dashes.")
    target = home() / "weights" / name
    if target.exists():
        raise UserError(f"{printable(target)} exists already: choose another name, or remove that folder first.")
    with atomic_folder(target) as folder:
        shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*"))  # still being written
        _complete(folder, run, steps)
        if problem := size_problem(folder):
            raise UserError(problem)
        _name(folder, run, name, steps, extras)
        if steps.add_people:
            steps.add_people(folder)
    return target


def _complete(folder: Path, run: Run, steps: Steps) -> None:
    """Add what the model lacks that was trained without OpenVINO, by an earlier version, or is not explained yet."""
    if not (folder / "model.xml").exists() or (folder / "model.bin").exists():
        steps.add_ir(folder)
    if (folder / explanations.FILE).exists():
        return
    try:
        data = dataset.load(run.dataset, run.config.split_seed, steps.progress, run.config.split_groups)
        if data.fingerprint != ModelCard.read(folder).dataset.fingerprint:
            raise UserError(f"the photos in {printable(run.dataset)} are not those that {run.id} learned from.")
    except UserError as reason:
        steps.warn(f"published without similar photos and heat maps: {reason}")
    else:
        steps.add_explanations(folder, data)


def _name(folder: Path, run: Run, name: str, steps: Steps, extras: Extras) -> None:
    """Write the name, what the seeds and the review say, and README.md; of the photos' folder only the name is kept."""
    file = folder / "evaluation.parquet"
    test = Evaluation.load(file)
    test = replace(test, root=Path(test.root).name, meta=replace(test.meta, model=name))
    card = replace(ModelCard.read(folder), name=name, run=run.id)
    if extras.seeds:
        card = replace(card, seeds=seed_results(run, extras.seeds))
    if extras.verdicts:
        card = replace(card, metrics=replace(card.metrics, review=test.reviewed(extras.verdicts)))
    test.save(file)
    write_text(folder / "README.md", steps.readme(card, test, extras.about))
    card.write(folder)


def seed_results(run: Run, others: tuple[Run, ...]) -> tuple[SeedResult, ...]:
    """A row for `run` and each of the `others`, once each. UserError where one had other test photos, or no test."""
    each = {one.id: one for one in (run, *others)}
    answers = {name: _test(one) for name, one in each.items()}
    for name, other in answers.items():
        try:
            answers[run.id].aligned(other)
        except UserError:
            raise UserError(
                f"Run {name} was tested on other photos than {run.id}: seeds compare on one test only."
            ) from None
    return tuple(
        SeedResult(name, each[name].config.seed, test.accuracy, test.macro_f1) for name, test in answers.items()
    )


def _test(run: Run) -> Evaluation:
    if run.evaluation_file is None:
        raise UserError(f"Run {run.id} was not tested ({run.state}): let it finish, or leave it out.")
    return Evaluation.load(run.evaluation_file)


def size_problem(folder: Path, limit: int = LARGEST_FILE) -> str | None:
    """What is too large to share, as a sentence; None where every file is below `limit` bytes."""
    for file in sorted(folder.iterdir()):
        if file.stat().st_size > limit:
            return (
                f"{file.name} has {file.stat().st_size / 1e6:.0f} MB, more than the {limit / 1e6:.0f} MB that many "
                "hosts take in one file: train a smaller architecture."
            )
    return None
