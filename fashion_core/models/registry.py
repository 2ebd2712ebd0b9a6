"""Every model that is here, the published in weights/ and those of runs; which one pages open on; and where the photos
of a test are."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from fashion_core import UserError, access, home
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.evaluation.meta import PEOPLE
from fashion_core.models.card import FILE, ModelCard
from fashion_core.photos import examples, known
from fashion_core.photos.imaging import printable
from fashion_core.runs import Run, shelf

DEFAULTS = ("apparel-lite", "apparel-resnet50")  # pages open on the first that is here


@dataclass(frozen=True)
class ModelRef:
    """A model that can be chosen: `name` is what `resolve` takes, `found` its card or, where it has none that can be
    read, what is wrong."""

    name: str
    folder: Path
    found: ModelCard | str
    published: bool = True

    @property
    def card(self) -> ModelCard:
        """Its card. UserError where that cannot be read."""
        if isinstance(self.found, str):
            raise UserError(self.found)
        return self.found

    @property
    def problem(self) -> str | None:
        """Why it cannot be used, as a sentence; None where it can."""
        return self.found if isinstance(self.found, str) else None

    @property
    def title(self) -> str:
        """What a person calls it: its name, or what its run is called."""
        return self.name if self.published else Run(self.folder.parent).name

    @property
    def evaluation_file(self) -> Path:
        return self.folder / "evaluation.parquet"


def models(root: Path | None = None) -> list[ModelRef]:
    """Every model under `root` (the home folder): the published by name, then those of runs, newest first."""
    root = root or home()
    published = sorted((root / "weights").glob(f"[!.]*/{FILE}"), key=lambda card: card.parent.name.lower())
    trained = sorted((root / "runs").glob(f"[!.]*/model/{FILE}"), key=lambda card: card.stat().st_mtime, reverse=True)
    return [_ref(card.parent.name, card.parent, True) for card in published] + [
        _ref(card.parents[1].name, card.parent, False) for card in trained
    ]


def default_model(names: Iterable[str]) -> str:
    """The one of `names` that a page opens on where nobody asks for another: the first of DEFAULTS, else of `names`."""
    names = list(names)
    return next((name for name in DEFAULTS if name in names), names[0])


def models_by_name() -> dict[str, ModelRef]:
    """The same by name, as `resolve` takes them: a published model hides a run of its name."""
    refs: dict[str, ModelRef] = {}
    for ref in models():
        refs.setdefault(ref.name, ref)
    return refs


def titles(names: Collection[str]) -> dict[str, str]:
    """Name → what a person calls that model: a run by its name, others as they are. No card is read for it."""
    root = home()
    published = {name for name in names if (root / "weights" / name / FILE).is_file()}
    return shelf.told_apart({name: name if name in published else Run(root / "runs" / name).name for name in names})


def resolve(model: str | Path) -> Path:
    """The model folder behind a published name, a run's id, a model folder or a run folder.

    Raises UserError where there is none, listing those that exist.
    """
    root, name = home(), str(model)
    if name:
        for folder in (root / "weights" / name, root / "runs" / name / "model", Path(name) / "model", Path(name)):
            if (folder / FILE).is_file():
                return access.inside(folder)
        if any((folder / "config.json").is_file() for folder in (root / "runs" / name, Path(name))):
            raise UserError(
                f"The run {printable(name)} has no model yet: let it finish, or keep its best epoch now: "
                f"python -m fashion_core train --resume {printable(name)} --finish."
            )
    names = ", ".join(ref.name for ref in models())
    hint = f"use one of: {names}" if names else "train one first"
    raise UserError(f"There is no model called “{printable(name)}”; {hint}.")


def photo_folder(evaluation: Evaluation) -> Path | None:
    """The folder of its photos: where they were tested, data/ under their folder's name, or one that somebody opened;
    examples/ of the photos that people took. None: not here."""
    root = Path(evaluation.root)
    folders = [root, home() / "data" / root.name, *known.remembered()]
    if evaluation.meta.split == PEOPLE and (shipped := examples.folder()):
        folders = [shipped]
    return next((folder for folder in folders if access.reaches(folder) and evaluation.lies_in(folder)), None)


def _ref(name: str, folder: Path, published: bool) -> ModelRef:
    try:
        return ModelRef(name, folder, ModelCard.read(folder), published)
    except UserError as error:
        return ModelRef(name, folder, str(error), published)
