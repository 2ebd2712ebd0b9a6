"""What runs are called, and runs that are put away: deleted into `.trash` beside the others, and brought back.

names(find())             {id: what it is called}, each once
delete(run); restore(id)  the folder moves; nothing is erased
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from fashion_core import UserError, access
from fashion_core.access import Action
from fashion_core.runs.lock import one_start_at_a_time
from fashion_core.runs.record import read_values, write_values
from fashion_core.runs.run import LIVE, Run, folder_of_runs

TRASH = ".trash"  # in the folder of runs; `find` passes it over
LONGEST = 60  # characters of a name


def names(runs: Sequence[Run]) -> dict[str, str]:
    """id → what a person calls it; where two are called the same, their ids follow."""
    return told_apart({run.id: run.name for run in runs})


def told_apart(called: Mapping[str, str]) -> dict[str, str]:
    """id → name; where two are called the same, their ids follow."""
    counts = Counter(called.values())
    return {one: name if counts[name] == 1 else f"{name} ({one})" for one, name in called.items()}


def rename(run: Run, name: str) -> None:
    """Call `run` so; an empty name is its first one again. Raises UserError where it is too long or cannot be kept."""
    access.require(Action.TRAIN)
    name = " ".join(name.split())
    if len(name) > LONGEST or not name.isprintable():
        raise UserError(f"A run's name has at most {LONGEST} letters, all of which can be seen: choose another.")
    with one_start_at_a_time(run.folder.parent):
        write_values(run.folder, read_values(run.folder) | {"name": name})


def delete(run: Run) -> Path:
    """Move `run` into the trash; returns where it lies there. Raises UserError while it trains."""
    access.require(Action.TRAIN)
    access.inside(run.folder)
    trash = run.folder.parent / TRASH
    with one_start_at_a_time(run.folder.parent):  # no worker starts meanwhile
        if run.state in LIVE:
            raise UserError(f"{run.name} is training now: stop it first.")
        return _move(run.folder, trash / run.id)


def restore(run_id: str, runs_dir: Path | None = None) -> Run:
    """Bring a deleted run back. Raises UserError where it is no longer in the trash, or another one took its place."""
    access.require(Action.TRAIN)
    parent = runs_dir or folder_of_runs()
    if run_id in ("", ".", "..") or Path(run_id).name != run_id:
        raise UserError(f"There is no deleted run {run_id!r}.")
    if not (parent / TRASH / run_id).is_dir():
        raise UserError(f"Run {run_id} is not in the trash any more: somebody brought it back or emptied that.")
    with one_start_at_a_time(parent):  # no run of that name is made meanwhile
        return Run(_move(parent / TRASH / run_id, parent / run_id))


def _move(folder: Path, to: Path) -> Path:
    if to.exists():
        raise UserError(f"There is a run {to.name} in {to.parent.name} already: move that one away first.")
    try:
        to.parent.mkdir(exist_ok=True)
        return folder.rename(to)
    except OSError as error:
        raise UserError(f"Run {folder.name} cannot be moved ({error.strerror}): ask its owner.") from None
