"""Models that were tested: what each reached on which photos, and what it costs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from fashion_core.evaluation import people
from fashion_core.models.card import ModelCard, Share
from fashion_core.models.registry import ModelRef
from fashion_core.photos.imaging import printable
from fashion_core.reports.comparison import measured
from fashion_core.runs import experiment, shelf
from fashion_core.stats import wilson

COSTS = {  # what a person chooses: (field of TestedModel, how many make one on the axis, the axis's name)
    "Parameters": ("parameters", 1e6, "million parameters"),
    "FLOPs": ("flops", 1e9, "billion FLOPs a photo"),
    "Model size": ("megabytes", 1, "MB"),
    "Training time": ("training_seconds", 60, "minutes of training"),
    "Training speed": ("images_per_second", 1, "photos a second in training"),
}
PEOPLE, GARMENT, TEST = "people", "garment", "test"
MEASURES = {  # on which photos a model was right: (what a person chooses, the axis's name)
    PEOPLE: ("Photos people took", "accuracy on photos people took, %"),
    GARMENT: ("Photos people took: garment alone", "accuracy of the garment on photos people took, %"),
    TEST: ("Each model's own test photos", "accuracy on each model's own test photos, %"),
}


@dataclass(frozen=True)
class TestedModel:
    """`title` is its name in plain words, `photos` the set that it was tested on. `people` and `garment` are of the
    photos in examples/ (the classes that it has; the garments, in any colour). None for what is not known."""

    name: str
    title: str
    recipe: str | None
    test: Share
    people: Share | None
    garment: Share | None
    macro_f1: float | None
    parameters: float | None
    flops: float | None
    megabytes: float | None
    training_seconds: float | None
    images_per_second: float | None
    hardware: str | None
    created: str
    classes: int
    dataset: str
    fingerprint: str
    photos: str
    published: bool
    folder: Path

    def share(self, measure: str) -> Share | None:
        """Right of how many: of one of MEASURES, or of the set of test photos of this name; None: not tested there."""
        shares = {PEOPLE: self.people, GARMENT: self.garment, TEST: self.test, self.photos: self.test}
        return shares.get(measure)

    def accuracy(self, measure: str) -> float | None:
        share = self.share(measure)
        return share.right / share.n if share and share.n else None

    def point(self, measure: str, cost: str) -> dict[str, Any] | None:
        """As `trade_off.options` wants it, against one of COSTS; None where one of the two is not on record."""
        key, unit, _ = COSTS[cost]
        value, share = getattr(self, key), self.share(measure)
        if value is None or not share or not share.n:
            return None
        low, high = wilson(share.right, share.n)
        return {
            "name": self.name, "title": self.title, "label": self.name if self.published else self.recipe or "–",
            "x": float(f"{value / unit:.4g}"), "right": share.right, "n": share.n, "accuracy": share.right / share.n,
            "low": low, "high": high, "photos": self.photos,
        }  # fmt: skip

    def evaluation_file(self, measure: str) -> Path:
        """Where its answers to these photos are; perhaps nowhere."""
        if measure in (PEOPLE, GARMENT):
            return self.folder / people.FOLDER / (people.KNOWN if measure == PEOPLE else people.GARMENTS)
        return self.folder / "evaluation.parquet"


def tested_models(refs: Iterable[ModelRef]) -> list[TestedModel]:
    """Those with a test behind them, the newest test first; a run that was published counts once, under its published
    name."""
    good = [ref for ref in refs if not ref.problem]
    published = {ref.card.run for ref in good if ref.published}
    once = [ref for ref in good if ref.published or ref.name not in published]
    tested = [ref for ref in once if ref.evaluation_file.is_file() and _knows_its_test(ref)]
    sets = _set_names(ref.card for ref in tested)
    models = [_tested_model(ref, sets) for ref in tested]
    titles = shelf.told_apart({model.name: model.title for model in models})
    models = [replace(model, title=titles[model.name]) for model in models]
    return sorted(models, key=lambda model: model.created, reverse=True)


def by_photos(tested: Iterable[TestedModel]) -> dict[str, list[TestedModel]]:
    """By what they were tested on, in the order in which these sets first come."""
    groups: dict[str, list[TestedModel]] = {}
    for model in tested:
        groups.setdefault(model.photos, []).append(model)
    return groups


def _knows_its_test(ref: ModelRef) -> bool:
    metrics = ref.card.metrics
    return bool(metrics.test_n and metrics.test_accuracy is not None and ref.card.dataset.fingerprint)


def _set_names(cards: Iterable[ModelCard]) -> dict[str, str]:
    """Fingerprint → the name of the set of test photos. Sets of one name are told apart by how many photos they have,
    by the day on which a model was first tested on them, or else by number."""
    first: dict[str, ModelCard] = {}
    for card in sorted(cards, key=lambda card: card.created):
        first.setdefault(card.dataset.fingerprint, card)
    facts = {of: card.dataset for of, card in first.items()}
    names = {of: printable(fact.name or "photos") + (" (drawn)" if fact.sample else "") for of, fact in facts.items()}
    names = _told_apart(names, {of: f"{card.metrics.test_n:,} photos" for of, card in first.items()})
    names = _told_apart(names, {of: f"first tested {_day(card)}" for of, card in first.items()})
    alike = {of: [other for other in first if names[other] == names[of]] for of in first}
    return _told_apart(names, {of: f"set {alike[of].index(of) + 1}" for of in first})


def _told_apart(names: Mapping[str, str], details: Mapping[str, str]) -> dict[str, str]:
    """The names, each that several have followed by its detail where these differ."""
    among = {name: {details[of] for of in names if names[of] == name} for name in names.values()}
    return {of: f"{name}, {details[of]}" if len(among[name]) > 1 else name for of, name in names.items()}


def _day(card: ModelCard) -> str:
    try:
        when = datetime.fromisoformat(card.created)
    except ValueError:
        return "on an unknown day"
    return f"{when.day} {when:%b %Y}"


def _tested_model(ref: ModelRef, sets: dict[str, str]) -> TestedModel:
    card, numbers = ref.card, measured(ref.folder, ref.card)
    recipe, taken = experiment.title(card.settings) if card.settings else None, card.metrics.people
    return TestedModel(
        ref.name, _title(ref, recipe), recipe,
        Share(card.metrics.right, card.metrics.test_n), Share(taken.right, taken.n) if taken and taken.n else None,
        Share(taken.garment_right, taken.garment_n) if taken and taken.garment_n else None, numbers["macro_f1"],
        numbers["parameters"], numbers["flops"], numbers["megabytes"], numbers["training_seconds"],
        numbers["images_per_second"], card.hardware or None, card.created, len(card.classes),
        printable(card.dataset.name or "photos"), card.dataset.fingerprint, sets[card.dataset.fingerprint],
        ref.published, ref.folder,
    )  # fmt: skip


def _title(ref: ModelRef, recipe: str | None) -> str:
    """What a person calls it; of a run whose own record is gone, "best, vgg16 (1 Feb 2026, 12:00)" by its card."""
    title = ref.title
    if ref.published or title != ref.name or not recipe:
        return title
    try:
        when = datetime.fromisoformat(ref.card.created)
    except ValueError:
        return title
    return f"{recipe} ({when.day} {when:%b %Y, %H:%M})"
