"""A model's card: card.json in its folder, and the same as typed values.

    card = ModelCard.read(folder)      # UserError names what is wrong with the file
    card.metrics.test_accuracy, card.dataset.name, card.recipe.split_seed
    card.write(folder)

In the file, names are as here and what is not known is left out. Keys of other programs are kept as they are.
"""

import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from fashion_core import UserError
from fashion_core.evaluation.evaluation import ReviewedFigures
from fashion_core.files import write_json
from fashion_core.photos.imaging import printable
from fashion_core.runs.config import TrainConfig

FILE = "card.json"
VERSION = 2
AGAIN = "train or publish the model again"
Part = TypeVar("Part")


@dataclass(frozen=True)
class Share:
    """`right` of `n` photos."""

    right: int
    n: int


@dataclass(frozen=True)
class Metrics:
    """Shares from 0 to 1. `leakage_free` leaves out test photos that have a near-duplicate in training."""

    test_accuracy: float | None = None
    test_accuracy_interval: tuple[float, float] | None = None
    test_n: int = 0
    macro_f1: float | None = None
    leakage_free: Share | None = None
    validation_accuracy: float | None = None
    review: Mapping[str, ReviewedFigures] = field(default_factory=dict)  # by verdict

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
    others: Mapping[str, Any] = field(default_factory=dict)  # keys of the file that are not ours

    @property
    def recipe(self) -> TrainConfig:
        """Its settings, or the default of one that did not exist yet when it was trained. UserError for a bad one."""
        known = {each.name for each in fields(TrainConfig)}
        return TrainConfig().changed({key: value for key, value in self.settings.items() if key in known})

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
            return _card(migrate(raw), folder)
        except _WrongCardError as wrong:
            raise UserError(f"{printable(file)} {wrong}: {AGAIN}.") from None

    def write(self, folder: Path) -> Path:
        """Write card.json into `folder`, whole or not at all."""
        own = {"settings": "config"}
        values = {own.get(each.name, each.name): _plain(getattr(self, each.name)) for each in fields(self)}
        others = values.pop("others")
        kept = {key: value for key, value in values.items() if value not in (None, "", [], {})}
        return write_json(folder / FILE, {"v": VERSION} | kept | others)


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
    classes = raw.get("classes")
    if not isinstance(classes, list) or len(classes) < 2 or not all(isinstance(name, str) for name in classes):
        raise _WrongCardError("names no classes")
    if not _is_whole(size := raw.get("image_size")) or size < 1:
        raise _WrongCardError("has no image_size")
    if not _is_number(temperature := raw.get("temperature")) or not temperature > 0:
        raise _WrongCardError("has no temperature")
    metrics = dict(_mapping(raw, "metrics"))
    if interval := metrics.get("test_accuracy_interval"):
        metrics["test_accuracy_interval"] = tuple(interval)
    if clean := metrics.get("leakage_free"):
        metrics["leakage_free"] = _part(Share, clean, "leakage_free")
    found = _mapping(metrics, "review").items()
    metrics["review"] = {verdict: _part(ReviewedFigures, part, "review") for verdict, part in found}
    known = {
        "name": raw.get("name") or (folder.parent if folder.name == "model" else folder).name,
        "classes": tuple(classes),
        "metrics": _part(Metrics, metrics, "metrics"),
        "settings": _mapping(raw, "config"),
        "dataset": _part(DatasetFacts, _mapping(raw, "dataset"), "dataset"),
        "cost": _part(Cost, _mapping(raw, "cost"), "cost"),
        "notes": tuple(raw.get("notes", ())),
        "seeds": tuple(_part(SeedResult, each, "seeds") for each in raw.get("seeds", ())),
    }
    ours = {each.name for each in fields(ModelCard)} | {"config"}
    others = {key: value for key, value in raw.items() if key not in ours}
    return _part(ModelCard, {key: value for key, value in raw.items() if key in ours} | known | {"others": others}, "")


def _mapping(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = raw.get(key) or {}
    if not isinstance(value, dict):
        raise _WrongCardError(f"has no readable {key}")
    return value


def _part(kind: type[Part], values: Any, where: str) -> Part:
    """`values` as a `kind`: keys that it does not have are left out, and null is what is not known."""
    known = inspect.get_annotations(kind)
    if not isinstance(values, dict):
        raise _WrongCardError(f"has no readable {where}")
    given = {key: value for key, value in values.items() if key in known and value is not None}
    for key, value in given.items():
        if not _fits(value, known[key]):
            raise _WrongCardError(f"has no readable {key}")
    try:
        return kind(**given)
    except TypeError:  # a key that must be there is not
        raise _WrongCardError(f"has no readable {where}") from None


def _fits(value: Any, type_: Any) -> bool:
    """Whether a number stands where one must, and text where text must; whatever is nested was looked at before."""
    if type_ in (int, int | None):
        return _is_whole(value)
    if type_ in (float, float | None):
        return _is_number(value)
    return type_ is not str or isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return _is_number(value) and value % 1 == 0


def _plain(value: Any) -> Any:
    """As JSON has it, without what is not known."""
    if is_dataclass(value) and not isinstance(value, type):
        value = {each.name: getattr(value, each.name) for each in fields(value)}
    if isinstance(value, ReviewedFigures):
        value = value._asdict()
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items() if each is not None and each != {}}
    return [_plain(each) for each in value] if isinstance(value, tuple | list) else value
