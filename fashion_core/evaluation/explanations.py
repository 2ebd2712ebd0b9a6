"""What lies behind single predictions, computed once: nearest photos, class heat maps, measured colours.

    explanations = Explanations.load(folder / FILE)
    explanations.nearest(path)             # its nearest training photos
    explanations.map(path, "blue_dress")   # the evidence for that class, by place
    explanations.ood_score(embeddings)     # how unlike those that were learned new photos are

`engine.explanations` computes them after a run; to look never runs the model again.
"""

import json
import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from fashion_core import UserError
from fashion_core.files import atomic_write
from fashion_core.late import Late
from fashion_core.photos.garment_colour import Colour, lab, nearest_distance, unsure
from fashion_core.photos.imaging import printable

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = Late("pandas")

FILE = "evidence.safetensors"
NEIGHBOURS = 10
ID_QUANTILE = 0.98  # of the validation photos are no less like the training photos than the threshold
ID_PHOTOS = 50  # of fewer, 98% is a guess: nothing is called unlike the training photos then
WARM, COOL = (230, 110, 20), (60, 90, 200)  # of a heat map, as RGB


def ood_limit(scores: np.ndarray) -> float:
    """Of the scores (n,) of validation photos the one that 2% pass; infinity where they are fewer than ID_PHOTOS."""
    return float(np.quantile(scores, ID_QUANTILE)) if len(scores) >= ID_PHOTOS else np.inf


@dataclass(frozen=True)
class Explanations:
    """Row i of `photos` (path, label, split, group) belongs to row i of `embeddings`, float16 (n, d), the unit
    embeddings that the head reads along the d directions in which the training photos differ most, and of `colours`,
    float32 (n, 5) as in Colour; (n, 4) in files from before the uncertainty was kept.

    `axes`, float32 (D, d), and `centre`, float32 (D,), take a new unit embedding there. `ood_threshold` is the
    `ood_limit` of the validation photos' scores.
    `maps`, float16 (t, classes, h, w), are the class scores before their mean over the places, of the t test photos in
    the order of their rows; None where the network's head does not average.
    """

    classes: tuple[str, ...]
    photos: "pd.DataFrame"
    embeddings: np.ndarray
    colours: np.ndarray
    axes: np.ndarray
    centre: np.ndarray
    ood_threshold: float
    maps: np.ndarray | None = None

    def save(self, file: Path) -> Path:
        """One safetensors file, written beside and renamed."""
        from safetensors.numpy import save_file

        tensors: dict[str, np.ndarray] = {
            "embeddings": self.embeddings.astype(np.float16), "colours": self.colours.astype(np.float32),
            "axes": self.axes.astype(np.float16), "centre": self.centre.astype(np.float32),
        }  # fmt: skip
        if self.maps is not None:
            tensors["maps"] = self.maps.astype(np.float16)
        photos = self.photos.to_dict("list")
        photos["path"] = [os.fsencode(path).decode("latin-1") for path in photos["path"]]  # JSON knows no bytes
        about = {"v": 1, "classes": list(self.classes), "photos": photos, "limit": float(self.ood_threshold)}
        with atomic_write(file) as partial:
            save_file(tensors, partial, {"about": json.dumps(about)})
        return file

    @classmethod
    def load(cls, file: Path) -> "Explanations":
        """Read what `save` wrote. UserError where the file is missing or something else."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(file, framework="np") as archive:
                about = json.loads(archive.metadata()["about"])
                tensors = {name: archive.get_tensor(name) for name in list(archive.keys())}
            photos = about["photos"] | {"group": [int(group) for group in about["photos"]["group"]]}
            photos["path"] = [os.fsdecode(path.encode("latin-1")) for path in photos["path"]]
            if {len(column) for column in photos.values()} != {len(tensors["embeddings"])}:
                raise ValueError("a table of photos that is not whole")
            return cls(tuple(about["classes"]), photos, ood_threshold=about["limit"], **{"maps": None} | tensors)
        except FileNotFoundError:
            raise UserError(
                f"There is no {printable(file)}: this model was made before they were kept; train or publish it again."
            ) from None
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as reason:
            raise UserError(
                f"{printable(file)} holds no readable explanations ({reason}): train or publish the model again."
            ) from None

    @cached_property
    def places(self) -> dict[str, int]:
        """The row of each photo, by its path."""
        return {path: row for row, path in enumerate(self.photos["path"])}

    @cached_property
    def _tested(self) -> dict[str, int]:
        return {path: row for row, path in enumerate(self.photos["path"][self.photos["split"] == "test"])}

    def _of(self, split: str) -> np.ndarray:
        return np.array(self.__dict__["photos"]["split"], object) == split  # a table, or its columns

    @cached_property
    def _trained(self) -> np.ndarray:
        return self.embeddings[self._of("train")].astype(np.float32)

    @cached_property
    def _trained_lengths(self) -> np.ndarray:
        """The square of each one's length: they take as long as the rest of `ood_score` of one photo."""
        return (self._trained**2).sum(1)

    def beside_training(self, learned: "Explanations") -> "Explanations":
        """These photos after the training photos of `learned`, to whose space they belong; without maps."""
        trained = learned._of("train")
        measures = min(self.colours.shape[1], learned.colours.shape[1])
        photos = pd.concat([learned.photos[trained], self.photos], ignore_index=True)
        embeddings = np.concatenate([learned.embeddings[trained], self.embeddings])
        colours = np.concatenate([learned.colours[trained][:, :measures], self.colours[:, :measures]])
        return replace(self, photos=photos, embeddings=embeddings, colours=colours, maps=None)

    def __contains__(self, path: str) -> bool:
        return path in self.places

    def tested(self, path: str) -> bool:
        """Whether it is a test photo: of these the maps are kept."""
        return path in self._tested

    def colour(self, path: str) -> Colour:
        """What was measured of the garment's colour."""
        return Colour(*map(float, self.colours[self.places[path]]))

    def nearest(self, path: str, most: int = 6, split: str = "train") -> "pd.DataFrame":
        """The photos of `split` most like `path`, the likest first: path, label, distance (along the
        `axes`, which leave out in what training photos differ little)."""
        row, among = self.places[path], np.flatnonzero(self.photos["split"] == split)
        return self._nearest(self.embeddings[row].astype(np.float32), among[among != row], most)

    def nearest_to(self, embedding: np.ndarray, most: int = 6, split: str = "train") -> "pd.DataFrame":
        """The same for a new photo, by its `embedding` (D,) as the network gives it."""
        unit = embedding / max(float(np.linalg.norm(embedding)), 1e-12) - self.centre
        return self._nearest(unit @ self.axes.astype(np.float32), np.flatnonzero(self.photos["split"] == split), most)

    def _nearest(self, own: np.ndarray, among: np.ndarray, most: int) -> "pd.DataFrame":
        distances = ((self.embeddings[among].astype(np.float32) - own) ** 2).sum(axis=1)
        first = np.argsort(distances, kind="stable")[:most]
        found = self.photos.iloc[among[first]][["path", "label"]].reset_index(drop=True)
        return found.assign(distance=np.sqrt(distances[first]))

    def ood_score(self, embeddings: np.ndarray) -> np.ndarray:
        """(m,): how far each of the embeddings (m, D), as the network gives them, is from its NEIGHBOURS-th nearest
        training photo (Sun et al. 2022): the larger, the less it is like anything that was learned."""
        train = self._trained
        units = embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12) - self.centre
        placed = units @ self.axes.astype(np.float32)
        outside = np.maximum((units**2).sum(1) - (placed**2).sum(1), 0)  # what the axes do not span
        squares = (placed**2).sum(1)[:, None] + self._trained_lengths - 2 * placed @ train.T
        kth = min(NEIGHBOURS, len(train)) - 1
        return np.sqrt(np.maximum(np.partition(squares, kth, axis=1)[:, kth], 0) + outside)

    def colour_ood_score(self, colours: np.ndarray) -> np.ndarray:
        """(m,): how far each of the colours (m, 4), as in Colour, is in CIELAB from that of its NEIGHBOURS-th nearest
        training photo."""
        learned = self._learned_colours
        return nearest_distance(lab(colours).astype(float), learned, min(NEIGHBOURS, len(learned)) - 1)

    @cached_property
    def _learned_colours(self) -> np.ndarray:
        """Of the training photos, float (n, 3), by lightness."""
        colours = lab(self._sure_colours("train")).astype(float)
        return colours[np.argsort(colours[:, 0])]

    def _sure_colours(self, split: str) -> np.ndarray:
        """Of the photos of `split` those that are surely their garment's; all where none is."""
        colours = self.colours[self._of(split)]
        sure = colours[~unsure(colours)]
        return sure if len(sure) else colours

    @cached_property
    def colour_ood_threshold(self) -> float:
        """The `ood_limit` of the validation photos' scores."""
        held_out = self._sure_colours("validation")
        return ood_limit(self.colour_ood_score(held_out)) if len(held_out) else np.inf

    def duplicates(self, path: str) -> "pd.DataFrame":
        """Its near-duplicates in other splits: path, label, split."""
        mine = self.photos.iloc[self.places[path]]
        same = (self.photos["group"] == mine["group"]) & (self.photos["split"] != mine["split"])
        return self.photos[same & (self.photos["group"] >= 0)][["path", "label", "split"]].reset_index(drop=True)

    def map(self, path: str, label: str) -> np.ndarray | None:
        """Float32 (h, w): by how much each place raised or lowered the score of class `label`; None where unknown.

        Class scores matter by their differences only, so of every place the mean over the classes is taken off.
        """
        if self.maps is None or not self.tested(path):
            return None
        maps = self.maps[self._tested[path]].astype(np.float32)
        return maps[self.classes.index(label)] - maps.mean(axis=0)


class _Photos:
    """`Explanations.photos`: the table, or its columns as they were read, which become one when it is first asked for.
    An answer asks for none of it, and pandas, whose text refuses names that are not UTF-8, takes as long as the rest.
    """

    def __get__(self, one: Explanations, owner: type) -> "pd.DataFrame":
        kept = one.__dict__
        if isinstance(kept["photos"], dict):
            kept["photos"] = pd.DataFrame(kept["photos"], dtype=object).astype({"group": int})
        return kept["photos"]

    def __set__(self, one: Explanations, table: Any) -> None:
        one.__dict__["photos"] = table


Explanations.photos = _Photos()  # type: ignore[assignment]


def overlay_heatmap(
    image: Image.Image, heat: np.ndarray, scale: float, strength: float = 0.7, ground: float = 1.0
) -> Image.Image:
    """`image` under `heat`, (h, w): warm where positive, cool where negative, full at ± `scale`.

    `strength`, 0 to 1: the photo as it is, to the tints over grey. `ground`, 0 to 1, is how bright white is as grey.
    """
    tints = Image.fromarray(heat / (scale or 1.0)).resize(image.size, Image.Resampling.BICUBIC)
    share = np.clip(np.asarray(tints), -1, 1)[..., None]
    tint = np.where(share > 0, np.array(WARM), np.array(COOL))
    grey = ground * np.asarray(image.convert("L").convert("RGB"), np.float32)
    base = (1 - strength) * np.asarray(image.convert("RGB"), np.float32) + strength * grey
    cover = 0.9 * strength * np.abs(share)
    return Image.fromarray((base * (1 - cover) + tint * cover).astype(np.uint8))
