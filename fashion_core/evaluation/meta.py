"""What is known of an evaluation besides its photos and probabilities: which model, which photos, what the numbers are.

It is stored as JSON in the evaluation's parquet file.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, NamedTuple

PEOPLE = "people"
Probabilities = Literal["calibrated", "uncalibrated", "votes"]
# of an evaluation of older versions, by the split of its photos
_PROBABILITIES_OF_SPLIT: dict[str, Probabilities] = {"validation": "uncalibrated", "cross-validated": "votes"}


class Unreadable(NamedTuple):
    """A file that was no photo, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class EvaluationMeta:
    """`split`: test, all, validation, cross-validated, or PEOPLE, which are the photos in examples/. `leaked`: rows of
    photos with a near-duplicate in training; None where nobody looked.

    `probabilities` says what the numbers are: "calibrated" by a temperature; "uncalibrated", as the network gave them;
    or "votes", the shares of the nearest photos with each label.
    `sample`: per_class and seed, where the photos are drawn by `photos.sample` and so compare with no real ones.
    """

    model: str = ""
    epoch: int | None = None
    split: str = ""
    fingerprint: str = ""
    created: str = ""  # ISO 8601
    temperature: float | None = None
    leaked: tuple[int, ...] | None = None
    unreadable: tuple[Unreadable, ...] = ()
    sample: Mapping[str, int] | None = None
    probabilities: Probabilities = "calibrated"
    others: Mapping[str, Any] = field(default_factory=dict)  # keys that are not ours

    @classmethod
    def read(cls, raw: Mapping[str, Any], file: Path | None = None) -> "EvaluationMeta":
        """From JSON of any version; `file` is the evaluation that it was stored in."""
        values = migrate(raw, file)
        ours = {each.name for each in fields(cls)}
        others = {key: value for key, value in values.items() if key not in ours}
        known = {key: value for key, value in values.items() if key in ours and value is not None}
        if "leaked" in known:
            known["leaked"] = tuple(int(row) for row in known["leaked"])
        known["unreadable"] = tuple(Unreadable(str(bad["path"]), str(bad["reason"])) for bad in known["unreadable"])
        return cls(**known | {"others": others})

    def write(self) -> dict[str, Any]:
        """As plain JSON."""
        own = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "others"}
        own["unreadable"] = [bad._asdict() for bad in self.unreadable]
        return {**self.others, **{key: value for key, value in own.items() if value is not None}}


def migrate(raw: Mapping[str, Any], file: Path | None = None) -> dict[str, Any]:
    """The JSON of any version as of this one.

    Older versions did not say what the probabilities are, and only the model's card said that the photos were drawn.
    """
    meta = {"unreadable": (), **raw}
    if "probabilities" not in meta:
        meta["probabilities"] = _PROBABILITIES_OF_SPLIT.get(meta.get("split") or "", "calibrated")
        meta["sample"] = meta.get("sample") or (file and _sample_by_card(file.parent))
    return meta


def _sample_by_card(folder: Path) -> dict[str, int] | None:
    """What the card of the model says of its photos; the model lies in `folder`, or in its folder `model`."""
    for card in (folder / "card.json", folder / "model" / "card.json"):
        try:
            return (json.loads(card.read_text("utf-8")).get("dataset") or {}).get("sample")
        except (OSError, ValueError, AttributeError):  # a card that cannot be read says nothing of the photos
            continue
    return None
