"""What a worker is doing now, by its log: one of a few stages in their order, with its own progress. Reads nothing.

stage = current(log.latest)
"""

from collections.abc import Mapping
from typing import NamedTuple

from fashion_core.runs.events import Event

# In their order. The worker names those in which it counts nothing by an event of type "stage"; logs of before have
# none, so that each is known by what else is logged, too.
STARTING, READING, DECODING, WARMING, TRAINING, TESTING, EXPLAINING = (
    "starting", "reading", "decoding", "warming up", "training", "testing", "explaining",
)  # fmt: skip
STAGES = (STARTING, READING, DECODING, WARMING, TRAINING, TESTING, EXPLAINING)
EMBEDDING = "Computing embeddings"  # what the worker's progress with them is called
COUNTED = {  # what an event of type "progress" counts → the stage, while nothing is learned yet
    "Reading photos": READING,
    "Looking for near-duplicates": READING,
    "Decoding photos": DECODING,
    "Asking the teacher": WARMING,
    EMBEDDING: WARMING,
}
GATHERING = "Gathering heat maps and similar photos"  # what the worker's progress with them is called
BEFORE_TRAINING = (STARTING, READING, DECODING, WARMING)
PLANNED = ("epochs", "steps_per_epoch", "total_steps")  # positive numbers of a start event


class Stage(NamedTuple):
    """The stage `name`, and `done` of `total` in it; a `total` of 0 says that nothing is counted.

    `detail` says what is done within it, in words; "" where that is plain. `epoch` counts from 1, 0 outside training.
    """

    name: str
    done: int = 0
    total: int = 0
    detail: str = ""
    epoch: int = 0

    @property
    def share(self) -> float | None:
        """Of the stage, from 0 to 1; None where nothing is counted."""
        return min(max(self.done / self.total, 0.0), 1.0) if self.total else None


def current(latest: Mapping[str, Event]) -> Stage:
    """The stage by the newest event of each type, as `LogSnapshot.latest` has them."""
    marks = [latest[kind] for kind in ("stage", "start", "step", "epoch", "evaluate") if kind in latest]
    mark = max(marks, key=_order, default=None)
    progress = latest.get("progress")
    if progress and mark and _order(progress) < _order(mark):
        progress = None
    stage = _marked(mark, latest) if mark else Stage(STARTING)
    return _counted(stage, progress) if progress else stage


def _marked(mark: Event, latest: Mapping[str, Event]) -> Stage:
    kind = mark["type"]
    if kind == "stage":
        name = mark.get("stage")
        return Stage(name if name in STAGES else STARTING, detail=str(mark.get("detail") or ""))
    if kind == "evaluate":
        return Stage(TESTING, detail="writing the model")
    start = latest.get("start", {})
    if kind == "start" or not all(_positive(start.get(name)) for name in PLANNED):
        return Stage(WARMING if kind == "start" else TRAINING)
    return _epoch(mark["step"], kind == "epoch", start)


def _epoch(step: int, validated: bool, start: Event) -> Stage:
    """The epoch after `step` iterations; after its last one the photos of validation follow."""
    each = start["steps_per_epoch"]
    if validated and step >= start["total_steps"]:
        return Stage(TESTING)
    done = step % each
    if step and not done and not validated:
        return Stage(TRAINING, each, each, "validating", step // each)
    return Stage(TRAINING, done, each, "", step // each + 1)


def _counted(stage: Stage, progress: Event) -> Stage:
    """`stage` with what was counted since it began."""
    what, done, total = str(progress.get("what", "")), progress.get("done"), progress.get("total")
    counted = (done, total) if isinstance(done, int) and isinstance(total, int) else (0, 0)
    if what == GATHERING:
        return Stage(EXPLAINING, *counted)
    name = COUNTED.get(what, stage.name) if stage.name in BEFORE_TRAINING else stage.name
    return Stage(name, *counted, what)


def _positive(value: object) -> bool:
    return isinstance(value, int) and value > 0


def _order(event: Event) -> int:
    return event["seq"]
