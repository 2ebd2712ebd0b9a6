"""What the address asks of Evaluate, in one object: which evaluation, and which of its photos.

The controls (`source`, `selection`) make it; views, the gallery, the open photo and the downloads only read it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from fashion_core.evaluation.evaluation import Evaluation, Which
from fashion_core.evaluation.meta import Unreadable
from fashion_core.photos import label_corrections
from fashion_core.reports.charts import Normalise
from fashion_core.ui import stored
from fashion_core.ui.stored import EvaluationKey


class Shown(NamedTuple):
    """The photos beside a view, in its order: rows as of `Evaluation.rows`, and the end of a sentence on the order.

    A `queue` is gone through photo by photo: a decision on one opens the next.
    """

    rows: pd.DataFrame
    order: str
    queue: bool = False


@dataclass(frozen=True, eq=False)
class Source:
    """Which evaluation is looked at: of the model `name`, by `key`, folded to a `factor` (COLOUR, GARMENT or None).

    `root` is the folder of the photos.
    """

    name: str
    key: EvaluationKey
    factor: int | None
    root: Path

    @cached_property
    def whole(self) -> Evaluation:
        """With all its classes. UserError where it cannot be read."""
        return stored.predictions_of(self.key)

    @cached_property
    def evaluation(self) -> Evaluation:
        """As the factor folds it; rows are those of `whole`."""
        return self.whole if self.factor is None else stored.marginalised(self.key, self.factor)

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """As of `Evaluation.report`: a row for each class, in their order, then the accuracy and two averages."""
        return self.evaluation.report()

    @property
    def class_metrics(self) -> pd.DataFrame:
        """As of `Evaluation.class_report`."""
        return self.evaluation.class_report()

    @property
    def macro_f1(self) -> float:
        return self.evaluation.macro_f1

    @cached_property
    def corrections_file(self) -> Path:
        return label_corrections.default_file(self.root)

    @cached_property
    def corrections(self) -> Mapping[str, str]:
        """Path → label that people decided on."""
        return stored.decided(self.corrections_file)

    def is_test_photo(self, row: int) -> bool:
        """Whether photo `row` of the evaluation is one of the model's test photos."""
        return self.whole.photos["path"][row] in stored.evaluation_of(self.key.file).places

    # What the evaluation says of itself -----------------------------------------------------------------------------

    @property
    def split(self) -> str:
        return self.whole.meta.split or ""

    @property
    def votes(self) -> bool:
        """Whether the probabilities are shares of the neighbours' votes, which are no confidences."""
        return self.whole.meta.probabilities == "votes"

    @property
    def uncalibrated(self) -> bool:
        """Whether the probabilities are as the network gave them."""
        return self.whole.meta.probabilities == "uncalibrated"

    @property
    def leaked(self) -> Sequence[int] | None:
        """Rows that have a near-duplicate in training; None where nobody looked."""
        return self.whole.meta.leaked

    @property
    def drawn(self) -> bool:
        """Whether the photos are drawn ones, which compare with no paper."""
        return self.whole.meta.sample is not None

    @property
    def created(self) -> str:
        return self.whole.meta.created or ""

    @property
    def epoch(self) -> int | None:
        return self.whole.meta.epoch

    @property
    def unreadable(self) -> Sequence[Unreadable]:
        return self.whole.meta.unreadable


@dataclass(frozen=True, eq=False)
class State(Source):
    """Which of its photos are looked at, too: `keep`, bool (photos), by the lists, the question and the drawn area."""

    true: str | None
    predicted: str | None
    which: Which
    keep: np.ndarray
    cells: Normalise  # of the confusion matrix
    open_row: int | None  # of the photo that is open

    @cached_property
    def selected(self) -> Shown:
        """The photos that pass, the worst first."""
        right = bool(self.evaluation.right[self.keep].all())
        if self.votes:
            order = "fewest votes first" if right else "wrong by the most votes first"
        else:
            order = "least sure first" if right else "most confidently wrong first"
        return Shown(self.evaluation.rows(self.keep), f", {order}")

    def in_order(self, indexes: np.ndarray, order: str) -> Shown:
        """The photos of these rows, in this order, all of which must pass."""
        passing = self.selected.rows
        places = np.full(len(self.evaluation), -1)
        places[passing["index"].to_numpy()] = np.arange(len(passing))
        return Shown(passing.iloc[places[indexes]].reset_index(drop=True), f", {order}")
