"""A model's card: card.json in its folder, and the same as typed values.

    card = ModelCard.read(folder)      # UserError names what is wrong with the file
    card.metrics.test_accuracy, card.dataset.name, card.recipe.split_seed
    card.write(folder)

In the file, names are as here and what is not known is left out. Keys of other programs are kept as they are.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from fashion_core import UserError
from fashion_core.evaluation.evaluation import ReviewedFigures
from fashion_core.evaluation.people import PeopleFigures
from fashion_core.evaluation.states import States
from fashion_core.files import write_json
from fashion_core.models.precision import Measured
from fashion_core.photos.imaging import printable
from fashion_core.runs.config import TrainConfig
from fashion_core.runs.config import migrate as migrate_recipe

FILE = "card.json"
VERSION = 2
AGAIN = "train or publish the model again"


@dataclass(frozen=True)
class Share:
    """`right` of `n` photos."""

    right: int
    n: int


@dataclass(frozen=True)
class Metrics:
    """Shares from 0 to 1. `leakage_free` leaves out test photos that have a near-duplicate in training; `people` is of
    the photos in examples/, which people took."""

    test_accuracy: float | None = None
    test_accuracy_interval: tuple[float, float] | None = None
    test_n: int = 0
    macro_f1: float | None = None
    leakage_free: Share | None = None
    validation_accuracy: float | None = None
    review: Mapping[str, ReviewedFigures] = field(default_factory=dict)  # by verdict
    people: PeopleFigures | None = None

    @property
    def right(self) -> int:
        """How many of the `test_n` test photos it got right."""
        return round((self.test_accuracy or 0) * self.test_n)


@dataclass(frozen=True)
class DatasetFacts:
    """What it was trained and tested on. `sample`: per_class and seed, where `photos.sample` draws these photos."""

    name: str = ""
    fingerprint: str = ""
    photos: int = 0
    sample: Mapping[str, int] | None = None
    unreadable: int = 0


@dataclass(frozen=True)
class Cost:
    """Parameters; FLOPs a photo, a multiplication and an addition counting as two; photos a second in training."""

    parameters: int | None = None
    flops: int | None = None
    images_per_second: float | None = None


@dataclass(frozen=True)
class SeedResult:
    """One of several runs of the same recipe, tested on the same photos."""

    run: str
    seed: int
    test_accuracy: float
    macro_f1: float


@dataclass(frozen=True)
class ModelCard:
    """All that is known of a model. `temperature` divides its logits; `settings` is its recipe as the file has it."""

    name: str
    classes: tuple[str, ...]
    image_size: int
    temperature: float
    architecture: str = ""
    initial_weights: str = ""  # a sentence
    created: str = ""  # ISO 8601
    epoch: int | None = None
    metrics: Metrics = field(default_factory=Metrics)
    settings: Mapping[str, Any] = field(default_factory=dict)
    dataset: DatasetFacts = field(default_factory=DatasetFacts)
    hardware: str = ""
    training_seconds: float | None = None
    cost: Cost = field(default_factory=Cost)
    versions: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    run: str = ""  # the run that was published
    seeds: tuple[SeedResult, ...] = ()
    states: States | None = None  # limits of what it calls sure; bench.states writes them
    precisions: Mapping[str, Measured] = field(default_factory=dict)  # beside float32; bench.precision writes them
    others: Mapping[str, Any] = field(default_factory=dict)  # keys of the file that are not ours

    @property
    def recipe(self) -> TrainConfig:
        """Its settings; one that did not exist yet when it was trained has what held then, one of a later version is
        left out. UserError for a bad one."""
        known = {each.name for each in fields(TrainConfig)}
        return migrate_recipe({key: value for key, value in self.settings.items() if key in known})

    @classmethod
    def read(cls, folder: Path) -> "ModelCard":
        """The card of the model in `folder`. UserError names the file and what is wrong with it."""
        file = folder / FILE
        try:
            raw = json.loads(file.read_text("utf-8"))
        except FileNotFoundError:
            raise UserError(f"{printable(file)} is missing: {AGAIN}.") from None
        except (OSError, ValueError) as error:
            raise UserError(f"{printable(file)} cannot be read ({error}): {AGAIN}.") from None
        try:
            return _card(migrate(raw), folder.absolute())
        except _WrongCardError as wrong:
            raise UserError(f"{printable(file)} {wrong}: {AGAIN}.") from None

    def write(self, folder: Path) -> Path:
        """Write card.json into `folder`, whole or not at all."""
        unknown = ModelCard("", (), 0, 0)
        known = {each.name: getattr(self, each.name) for each in fields(self)}
        known = {key: _plain(value) for key, value in known.items() if value != getattr(unknown, key)}
        others, settings = known.pop("others", {}), known.pop("settings", None)
        if settings:
            known["config"] = settings
        return write_json(folder / FILE, {"v": VERSION} | known | others)


def migrate(raw: Any) -> dict[str, Any]:
    """A card as JSON, of any version, as one of this version.

    Version 1 called `initial_weights` weights, and wrote null for what it did not know.
    """
    if not isinstance(raw, dict):
        raise _WrongCardError("names no classes")
    card = {key: value for key, value in raw.items() if value is not None and key != "v"}
    if "weights" in card and "initial_weights" not in card:
        card["initial_weights"] = card.pop("weights")
    return card


class _WrongCardError(ValueError):
    """What is wrong with a card, as the end of a sentence."""


def _card(raw: dict[str, Any], folder: Path) -> ModelCard:
    if not isinstance(raw.get("classes"), list) or len(raw["classes"]) < 2:
        raise _WrongCardError("names no classes")
    for key in ("image_size", "temperature"):
        if not _is_number(raw.get(key)) or not raw[key] > 0:
            raise _WrongCardError(f"has no {key}")
    named = {"name": (folder.parent if folder.name == "model" else folder).name, "settings": raw.get("config", {})}
    ours = {each.name for each in fields(ModelCard)} | {"config"}
    others = {key: value for key, value in raw.items() if key not in ours}
    card = _typed(ModelCard, named | raw | {"others": others}, "card")
    if any(not each.passes for each in card.precisions.values()):
        raise _WrongCardError("has a precision that did not pass the gate")
    return card


def _typed(kind: Any, value: Any, where: str) -> Any:
    """JSON as a value of type `kind`, as the fields above are of; `where` names it, should it be something else.

    Null is what is not known: it is left out, and so are keys that a class of ours does not have.
    """
    if kind is Any:
        return value
    if get_origin(kind) is UnionType:  # … | None
        kind = get_args(kind)[0]
    if kind in (int, float, str):
        right = isinstance(value, str) if kind is str else _is_number(value) and (kind is float or value % 1 == 0)
    elif get_origin(kind) is tuple:
        right = isinstance(value, list) and (get_args(kind)[-1] is ... or len(value) == len(get_args(kind)))
    else:
        right = isinstance(value, dict)
    if not right:
        raise _WrongCardError(f"has no readable {where}")
    if get_origin(kind) is tuple:
        return tuple(_typed(get_args(kind)[0], each, where) for each in value)
    if get_origin(kind) is Mapping:
        return {key: _typed(get_args(kind)[1], each, where) for key, each in value.items()}
    return value if kind in (int, float, str) else _built(kind, value, where)


def _built(kind: Any, values: dict[str, Any], where: str) -> Any:
    types = get_type_hints(kind)
    known = {key: value for key, value in values.items() if key in types and value is not None}
    try:
        return kind(**{key: _typed(types[key], value, key) for key, value in known.items()})
    except TypeError:  # a key that must be there is not
        raise _WrongCardError(f"has no readable {where}") from None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _plain(value: Any) -> Any:
    """As JSON has it, without what is not known."""
    if is_dataclass(value) and not isinstance(value, type):
        value = {each.name: getattr(value, each.name) for each in fields(value)}
    if isinstance(value, ReviewedFigures):
        value = value._asdict()
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items() if each is not None and each != {}}
    return [_plain(each) for each in value] if isinstance(value, tuple | list) else value
