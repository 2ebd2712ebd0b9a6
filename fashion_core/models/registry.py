"""Every model that is here: the published in weights/ and those of runs."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fashion_core import UserError, home
from fashion_core.models.card import read_card
from fashion_core.photos import imaging


@dataclass(frozen=True)
class ModelRef:
    """A model that can be chosen: `name` is what `resolve` takes, `problem` says why it cannot be used."""

    name: str
    folder: Path
    card: dict[str, Any] = field(default_factory=dict)
    published: bool = True
    problem: str | None = None

    @property
    def evaluation_file(self) -> Path:
        return self.folder / "evaluation.parquet"


def models(root: Path | None = None) -> list[ModelRef]:
    """Every model under `root` (the home folder): the published by name, then those of runs, newest first."""
    root = root or home()
    published = sorted((root / "weights").glob("*/card.json"), key=lambda card: card.parent.name.lower())
    trained = sorted((root / "runs").glob("*/model/card.json"), key=lambda card: card.stat().st_mtime, reverse=True)
    return [_ref(card.parent.name, card.parent, True) for card in published] + [
        _ref(card.parents[1].name, card.parent, False) for card in trained
    ]


def resolve(model: str | Path) -> Path:
    """The model folder behind a published name, a run's id, a model folder or a run folder.

    Raises UserError where there is none, listing those that exist.
    """
    root, name = home(), str(model)
    if name:
        for folder in (root / "weights" / name, root / "runs" / name / "model", Path(name) / "model", Path(name)):
            if (folder / "card.json").is_file():
                return folder
        if any((folder / "config.json").is_file() for folder in (root / "runs" / name, Path(name))):
            raise UserError(f"The run {imaging.printable(name)} has no model yet: let it finish, or resume it.")
    known = ", ".join(ref.name for ref in models())
    hint = f"use one of: {known}" if known else "train one first"
    raise UserError(f"There is no model called “{imaging.printable(name)}”; {hint}.")


def _ref(name: str, folder: Path, published: bool) -> ModelRef:
    try:
        return ModelRef(name, folder, read_card(folder), published)
    except UserError as error:
        return ModelRef(name, folder, {}, published, str(error))
