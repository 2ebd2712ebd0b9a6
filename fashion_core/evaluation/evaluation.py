"""What a model said about a set of labelled photos, stored once: truth and probabilities → matrix, report, cells.

    evaluation = Evaluation.load(folder / "evaluation.parquet")
    evaluation.cell("blue_dress", "black_dress")     # the photos behind one number, most confidently wrong first

The model is never run again to look. Metrics are scikit-learn's.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from fashion_core import UserError
from fashion_core.class_names import factors, marginalise, refuse_unknown
from fashion_core.evaluation.meta import EvaluationMeta
from fashion_core.files import atomic_write
from fashion_core.late import Late
from fashion_core.stats import between, expected_calibration_error

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = Late("pandas")

Which = Literal["all", "wrong", "right", "colour", "garment", "both"]
ERROR_TYPES = ("colour", "garment", "both")  # what is wrong about a mistake: colour alone, garment alone, or both
MEASURES = ("precision", "recall", "f1-score", "support")
AVERAGES = ("accuracy", "macro avg", "weighted avg")
EPOCHS = "epochs"  # the folder beside a model's evaluation: one evaluation of the validation photos after each epoch
SCHEMA_KEY = b"busana.evaluation"


class ReviewedFigures(NamedTuple):
    """What a test says of the photos with one verdict of a review; shares from 0 to 1."""

    n: int
    accuracy: float
    macro_f1: float

    @property
    def right(self) -> int:
        return round(self.accuracy * self.n)


@dataclass(frozen=True)
class Evaluation:
    """Row i of `photos` (path relative to `root`, label) belongs to row i of `probabilities` (n, k), float32.

    Probabilities sum to 1 a row, and `meta.probabilities` says what they are; column j is `classes[j]`. A class without
    photos is allowed, a label that is not a class is not.
    """

    classes: tuple[str, ...]
    photos: "pd.DataFrame"
    probabilities: np.ndarray
    root: str = ""
    meta: EvaluationMeta = field(default_factory=EvaluationMeta)

    def __post_init__(self) -> None:
        if not len(self.photos):
            raise UserError("there is no readable photo to evaluate: choose a folder that holds some")
        expected = (len(self.photos), len(self.classes))
        if self.probabilities.shape != expected:
            raise ValueError(f"probabilities must be {expected} for photos × classes, not {self.probabilities.shape}")
        if not np.isfinite(self.probabilities).all():
            raise ValueError("probabilities must be finite numbers")
        refuse_unknown(self.photos["label"], self.classes)

    def __len__(self) -> int:
        return len(self.photos)

    # The file ------------------------------------------------------------------------------------------------------

    def save(self, path: Path) -> Path:
        """One parquet: path (bytes, since names need not be UTF-8), label, one float32 column a class."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        columns = {
            "path": pa.array([os.fsencode(p) for p in self.photos["path"]], pa.binary()),
            "label": pa.array(self.photos["label"].astype(str).tolist(), pa.string()),
        }
        for number, column in enumerate(np.asarray(self.probabilities, np.float32).T):
            columns[f"p{number}"] = pa.array(column, pa.float32())
        meta = self.meta.write()
        about = {"v": 2, "classes": list(self.classes), "root": self.root, "meta": meta, "metrics": self._metrics}
        table = pa.table(columns).replace_schema_metadata({SCHEMA_KEY: json.dumps(about).encode()})
        path = Path(path)
        with atomic_write(path) as partial:
            pq.write_table(table, partial, compression="zstd")
        return path

    @classmethod
    def load(cls, path: Path) -> "Evaluation":
        """Read what `save` wrote. UserError where the file is missing, damaged or something else."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table = pq.ParquetFile(path).read()
            about = json.loads(table.schema.metadata[SCHEMA_KEY])
            paths = [os.fsdecode(p) for p in table["path"].to_pylist()]
            photos = pd.DataFrame({"path": paths, "label": table["label"].to_pylist()}, dtype=object)
            columns = [table[f"p{number}"].to_numpy() for number in range(len(about["classes"]))]
            probabilities = np.stack(columns, axis=1).astype(np.float32)
            meta = EvaluationMeta.read(about["meta"], Path(path))
            evaluation = cls(tuple(about["classes"]), photos, probabilities, about["root"], meta)
            vars(evaluation).update({"_metrics": about["metrics"]} if "metrics" in about else {})  # the cached property
            return evaluation
        except FileNotFoundError:
            raise UserError(f"there is no evaluation at {path}: finish a run, or evaluate the model first") from None
        except UserError:
            raise
        except (pa.ArrowException, KeyError, TypeError, ValueError, OSError) as reason:
            raise UserError(f"{path} is not a readable evaluation: evaluate the model again ({reason})") from None

    # The photos ----------------------------------------------------------------------------------------------------

    def lies_in(self, folder: Path) -> bool:
        """Whether `folder` holds its photos, or some of them."""
        return folder.is_absolute() and any((folder / path).is_file() for path in self.photos["path"][:200])

    # Views ---------------------------------------------------------------------------------------------------------

    @cached_property
    def places(self) -> dict[str, int]:
        """The row of each photo, by its path."""
        return {path: row for row, path in enumerate(self.photos["path"])}

    @cached_property
    def truth(self) -> np.ndarray:
        """(n,) index of each photo's true class."""
        number = {name: i for i, name in enumerate(self.classes)}
        return self.photos["label"].map(number).to_numpy(dtype=np.int64)

    @cached_property
    def predicted(self) -> np.ndarray:
        """(n,) index of each photo's most probable class."""
        return self.probabilities.argmax(axis=1)

    @property
    def confidence(self) -> np.ndarray:
        """(n,) probability of the predicted class."""
        return self.probabilities[np.arange(len(self)), self.predicted]

    @property
    def right(self) -> np.ndarray:
        """(n,) whether each prediction is right."""
        return self.truth == self.predicted

    @cached_property
    def error_types(self) -> np.ndarray | None:
        """(n,) one of ERROR_TYPES for each mistake, "" where right; None where classes have no colour and garment."""
        pairs = factors(self.classes)
        if pairs is None:
            return None
        true, called = np.array(pairs)[self.truth], np.array(pairs)[self.predicted]
        colour, garment = (true != called).T
        return np.select([colour & garment, colour, garment], ["both", "colour", "garment"], "")

    @property
    def error_type_counts(self) -> dict[str, int] | None:
        """How many mistakes each of ERROR_TYPES has; None where `error_types` is."""
        return (
            None
            if self.error_types is None
            else {cause: int((self.error_types == cause).sum()) for cause in ERROR_TYPES}
        )

    def marginalised(self, part: int) -> "Evaluation":
        """The same photos by COLOUR or by GARMENT alone: P(dress) sums over its colours, the matrix folds.

        What is predicted is the part of the predicted class, so each cell is a sum of cells. ValueError: no such parts.
        """
        names, sums = marginalise(self.probabilities, self.classes, part)
        of_class = [pair[part] for pair in factors(self.classes) or ()]
        photos = self.photos.assign(label=[of_class[number] for number in self.truth])
        folded = replace(self, classes=names, photos=photos, probabilities=sums)
        vars(folded)["predicted"] = np.array([names.index(name) for name in of_class])[self.predicted]
        return folded

    @property
    def calibration_error(self) -> float:
        """The expected calibration error of the top class, in 15 bins."""
        return expected_calibration_error(self.confidence, self.right)

    @property
    def accuracy(self) -> float:
        """Share of right predictions, 0 to 1."""
        return float(self.right.mean())

    @property
    def macro_f1(self) -> float:
        """The mean F1 of the classes that occur, 0 to 1."""
        return float(self._metrics["report"][len(self.classes) + 1][MEASURES.index("f1-score")])

    def without_leaks(self) -> tuple[int, int]:
        """Right answers and photos, those left out that have a near-duplicate in training."""
        clean = np.delete(self.right, np.array(self.meta.leaked or (), int))
        return int(clean.sum()), len(clean)

    def decided(self, labels: Mapping[str, str]) -> "Evaluation":
        """The same predictions by the labels that people decided on, path → label; photos that were left out, or kept
        for a colour or garment alone, go. UserError where none is left."""
        # One by one: pandas turns the keys into UTF-8, which not every file's name is.
        pairs = zip(self.photos["path"], self.photos["label"], strict=True)
        label = pd.Series([labels.get(path, label) for path, label in pairs], dtype=object)
        keep = label.isin(self.classes).to_numpy()
        if not keep.any():
            raise UserError("The decisions leave none of these photos: undo some of them.")
        rows = np.flatnonzero(keep)
        photos = self.photos.assign(label=label)[keep].reset_index(drop=True)
        meta = replace(self.meta, leaked=None, unreadable=())  # of the photos as they were
        return replace(self, photos=photos, probabilities=self.probabilities[rows], meta=meta)

    def aligned(self, other: "Evaluation") -> "Evaluation":
        """`other` with its photos in this one's order. UserError where the two answered other photos or labels."""
        place = {photo: row for row, photo in enumerate(zip(other.photos["path"], other.photos["label"], strict=True))}
        tested = list(zip(self.photos["path"], self.photos["label"], strict=True))
        order = [place[photo] for photo in tested if photo in place]
        if not len(order) == len(self) == len(other):
            raise UserError("the two models were tested on other photos: only answers to the same photos compare")
        photos = other.photos.iloc[order].reset_index(drop=True)
        leaked = np.flatnonzero(np.isin(order, other.meta.leaked or ()))  # row numbers, which change with the order
        meta = replace(other.meta, leaked=None if other.meta.leaked is None else tuple(leaked.tolist()))
        return replace(other, photos=photos, probabilities=other.probabilities[order], meta=meta)

    def reviewed(self, verdicts: Mapping[str, str]) -> dict[str, ReviewedFigures]:
        """The figures apart by what a person said of the labels, by verdict.

        `verdicts`: path → verdict. macro_f1 is over the classes that occur there. UserError for a photo without one.
        """
        verdict_of = self.photos["path"].map(verdicts)
        if verdict_of.isna().any():
            missing = self.photos["path"][verdict_of.isna()].iloc[0]
            raise UserError(f"The review says nothing on {missing!r}: review the same test photos that were evaluated.")
        found = {}
        for verdict in dict.fromkeys(verdicts.values()):
            rows = np.flatnonzero(verdict_of == verdict)
            if len(rows):
                part = Evaluation(self.classes, self.photos.iloc[rows], self.probabilities[rows])
                found[verdict] = ReviewedFigures(len(part), part.accuracy, part.macro_f1)
        return found

    def confusion(self) -> np.ndarray:
        """(k, k) counts: rows true, columns predicted."""
        return np.array(self._metrics["confusion"], dtype=np.int64)

    def report(self) -> "pd.DataFrame":
        """class, kind, precision, recall, f1-score and support: a row for each class, of the kind "class", and one for
        each of AVERAGES, whose class is empty: a class may be called like an average.

        A class that occurs neither as truth nor as prediction has zeros and stays out of the averages, as
        scikit-learn has it; a class never predicted, or without photos, scores 0 and counts.
        """
        table = pd.DataFrame(self._metrics["report"], columns=MEASURES).astype({"support": int})
        table.insert(0, "class", [*self.classes, *[""] * len(AVERAGES)])
        table.insert(1, "kind", ["class"] * len(self.classes) + list(AVERAGES))
        return table

    def class_report(self) -> "pd.DataFrame":
        """precision, recall, f1-score and support of every class, by its name."""
        return self.report().iloc[: len(self.classes)].set_index("class")[list(MEASURES)]

    def recall_intervals(self) -> list[str]:
        """For each class the 95% interval of its recall, in words, and at the end that of the accuracy."""
        matrix = self.confusion()
        hits, counts = [*matrix.diagonal(), matrix.trace()], [*matrix.sum(axis=1), matrix.sum()]
        return [between(int(hit), int(n)) for hit, n in zip(hits, counts, strict=True)]

    @cached_property
    def _metrics(self) -> dict[str, list]:
        """scikit-learn's words. They are stored with the predictions: a page that only looks need not load it."""
        from sklearn.metrics import classification_report, confusion_matrix

        labels = range(len(self.classes))
        numbers = classification_report(self.truth, self.predicted, output_dict=True, zero_division=0)
        absent = dict.fromkeys(MEASURES, 0)
        rows = [numbers.get(str(label), absent) for label in labels]
        rows.append(dict.fromkeys(MEASURES, self.accuracy) | {"support": len(self)})
        rows += [numbers["macro avg"], numbers["weighted avg"]]
        return {
            "confusion": confusion_matrix(self.truth, self.predicted, labels=labels).tolist(),
            "report": [[float(row[measure]) for measure in MEASURES] for row in rows],
        }

    def cell(self, true: str | None = None, predicted: str | None = None, which: Which = "all") -> "pd.DataFrame":
        """The photos behind one number; None is any class. Columns and order as of `rows`."""
        return self.rows(self.mask(true, predicted, which))

    def drawn(self, seed: int, count: int = 9) -> "pd.DataFrame":
        """`count` photos, or all where there are fewer, drawn by `seed` alone. Columns as of `rows`."""
        rows = self.cell().sort_values("index")
        return rows.iloc[np.random.default_rng(seed).choice(len(rows), min(count, len(rows)), replace=False)]

    def mask(self, true: str | None = None, predicted: str | None = None, which: Which = "all") -> np.ndarray:
        """bool (n,): whether each photo is of this true class, called this one, and so answered; None is any class."""
        keep = np.ones(len(self), bool)
        if true is not None:
            keep &= self.truth == self._number(true)
        if predicted is not None:
            keep &= self.predicted == self._number(predicted)
        if which in ERROR_TYPES:
            keep &= self.error_types == which if self.error_types is not None else False
        elif which != "all":
            keep &= self.right if which == "right" else ~self.right
        return keep

    def _number(self, name: str) -> int:
        return self.classes.index(name) if name in self.classes else -1

    def rows(self, keep: np.ndarray) -> "pd.DataFrame":
        """The photos that `keep`, bool (n,), marks. Columns index, path, label, predicted, p_true, p_predicted.

        Wrong ones first, most confident first; then right ones, least sure first.
        """
        return self._table[keep].iloc[self._worst_first(keep)].reset_index(drop=True)

    def _worst_first(self, keep: np.ndarray) -> np.ndarray:
        right, confidence = self.right[keep], self.confidence[keep]
        return np.lexsort((np.where(right, confidence, -confidence), right))

    @cached_property
    def _table(self) -> "pd.DataFrame":
        rows = np.arange(len(self))
        names = np.array(self.classes, dtype=object)
        columns = {
            "index": rows,
            "path": self.photos["path"],
            "label": names[self.truth],
            "predicted": names[self.predicted],
            "p_true": self.probabilities[rows, self.truth],
            "p_predicted": self.confidence,
        }
        # dtype=object: pandas' own string type refuses a name that is not UTF-8.
        return pd.DataFrame({name: pd.Series(list(v), dtype=object) for name, v in columns.items()}).astype(
            {"index": int, "p_true": np.float32, "p_predicted": np.float32}
        )

    def confusions(self, most: int = 5) -> list[tuple[str, str, int]]:
        """The largest cells off the diagonal: true class, predicted class, photos; the largest first."""
        wrong = self.confusion()
        np.fill_diagonal(wrong, 0)
        places = (np.unravel_index(place, wrong.shape) for place in np.argsort(-wrong, axis=None, kind="stable")[:most])
        return [(self.classes[a], self.classes[b], int(wrong[a, b])) for a, b in places if wrong[a, b]]

    def selection_for_metric(self, row: int, measure: str) -> tuple[str | None, str | None, Which]:
        """The arguments of `cell` that give the photos behind one number of the report.

        A class's precision counts all that was called it, its F1 leads to those of it that were missed, and recall and
        support to all of it; the accuracy and its support count every photo, the averages lead to every mistake.
        """
        if row >= len(self.classes):
            return None, None, "all" if row == len(self.classes) or measure == "support" else "wrong"
        name = self.classes[row]
        if measure == "precision":
            return None, name, "all"
        return name, None, "wrong" if measure == "f1-score" else "all"

    def predictions(self) -> "pd.DataFrame":
        """One row a photo: path, label, predicted, confidence, then the probability of every class as "p: class"."""
        frame = self._table[["path", "label", "predicted"]].assign(confidence=self.confidence)
        each = pd.DataFrame(self.probabilities, columns=[f"p: {name}" for name in self.classes])
        return pd.concat([frame, each], axis=1)

    def summary(self) -> dict:
        """The contract of `evaluate --json`; rows of the matrix are true classes, columns predicted ones."""
        return {
            "n": len(self),
            "accuracy": self.accuracy,
            "macro_f1": self.macro_f1,
            "classes": list(self.classes),
            "confusion": self.confusion().tolist(),
            "unreadable": [bad._asdict() for bad in self.meta.unreadable],
        }


def read_review(file: Path) -> dict[str, str]:
    """Photo → verdict, from a CSV with these two columns. UserError for anything else."""
    try:
        table = pd.read_csv(file, dtype=str)
        return dict(zip(table["photo"], table["verdict"], strict=True))
    except (OSError, ValueError, KeyError):  # pandas' own errors are ValueErrors
        raise UserError(f"{file} is no review: give a CSV with the columns photo and verdict.") from None
