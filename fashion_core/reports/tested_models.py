"""Models that were tested, with what each reached and costs: those on the same photos and split compare."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from fashion_core.models.registry import ModelRef
from fashion_core.photos.imaging import printable
from fashion_core.reports.comparison import measured
from fashion_core.runs import experiment
from fashion_core.stats import between, wilson

COSTS = {  # what a person chooses: (field of TestedModel, how many make one on the axis, the axis's name)
    "Parameters": ("parameters", 1e6, "million parameters"),
    "FLOPs": ("flops", 1e9, "billion FLOPs a photo"),
    "Model size": ("megabytes", 1, "MB"),
    "Training time": ("training_seconds", 60, "minutes of training"),
    "Training speed": ("images_per_second", 1, "photos a second in training"),
}


@dataclass(frozen=True)
class TestedModel:
    """Shares are from 0 to 1, `low` to `high` is Wilson's 95 % interval of the accuracy, `interval` the same in words;
    None for what is not known. `dataset` and `fingerprint` say on which photos it was tested."""

    name: str
    recipe: str | None
    accuracy: float
    interval: str
    low: float
    high: float
    test_n: int
    macro_f1: float | None
    parameters: float | None
    flops: float | None
    megabytes: float | None
    training_seconds: float | None
    images_per_second: float | None
    hardware: str | None
    created: str
    dataset: str
    fingerprint: str
    published: bool

    @property
    def photos(self) -> str:
        """What it was tested on, in words that tell splits of the same photos apart."""
        return f"{self.dataset} · {self.fingerprint[:6]}"

    def point(self, cost: str) -> dict[str, Any] | None:
        """As `charts.trade_off_options` wants it, against one of COSTS; None where that is not on record."""
        key, unit, _ = COSTS[cost]
        value = getattr(self, key)
        label = self.name if self.published else self.recipe or "–"
        return None if value is None else asdict(self) | {"x": float(f"{value / unit:.4g}"), "label": label}


def tested_models(refs: Iterable[ModelRef]) -> list[TestedModel]:
    """Those with a test behind them; a run that was published counts once, under its published name."""
    good = [ref for ref in refs if not ref.problem]
    published = {ref.card.run for ref in good if ref.published}
    once = [ref for ref in good if ref.published or ref.name not in published]
    return [model for ref in once if ref.evaluation_file.is_file() and (model := tested_model(ref))]


def tested_model(ref: ModelRef) -> TestedModel | None:
    """What its card and files tell of one model; None where it was not tested, or on nobody knows which photos."""
    card, numbers = ref.card, measured(ref.folder, ref.card)
    n, right = card.metrics.test_n, card.metrics.right
    accuracy, data = card.metrics.test_accuracy, card.dataset
    if not n or accuracy is None or not data.fingerprint:
        return None
    low, high = wilson(right, n)
    return TestedModel(
        ref.name, experiment.title(card.settings) if card.settings else None, accuracy, between(right, n), low, high, n,
        numbers["macro_f1"], numbers["parameters"], numbers["flops"], numbers["megabytes"],
        numbers["training_seconds"], numbers["images_per_second"], card.hardware or None, card.created,
        printable(data.name or "photos"), data.fingerprint, ref.published,
    )  # fmt: skip


def by_photos(tested: Iterable[TestedModel]) -> dict[str, list[TestedModel]]:
    """By what they were tested on, the newest test first."""
    groups: dict[str, list[TestedModel]] = {}
    for model in sorted(tested, key=lambda model: model.created, reverse=True):
        groups.setdefault(model.photos, []).append(model)
    return groups
