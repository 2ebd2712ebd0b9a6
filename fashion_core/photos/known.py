"""The folders of photos that are known here, each by a short name: those in data/, and those that somebody opened.

known.folders()                  # {"sample": …/data/sample, "clothes": /photos/clothes}
known.remember(Path("/photos/clothes"))
known.name(folder)               # "clothes": what a link says, which holds no path
"""

import json
from itertools import chain, count
from pathlib import Path

from fashion_core import access, home
from fashion_core.files import cache_folder, write_json

MOST = 20  # folders outside data/ that are remembered, the last ones


def in_data() -> list[Path]:
    """The folders of photos in `data/`, by name: fetched, drawn or put there."""
    data = home() / "data"
    found = data.iterdir() if data.is_dir() else ()
    return sorted(folder for folder in found if folder.is_dir() and not folder.name.startswith("."))


def remembered() -> list[Path]:
    """The folders outside `data/` that somebody opened and that are still there, the last one first."""
    try:
        listed = json.loads(_file().read_text("utf-8"))
        paths = [Path(path) for path in listed if isinstance(path, str)]
    except (OSError, ValueError, TypeError):  # none yet, or written by something else: they are opened again by path
        return []
    return [path for path in paths if path.is_dir() and access.reaches(path)]


def remember(folder: Path) -> None:
    """Know `folder` from now on; nothing where it is known."""
    if folder not in folders().values():
        write_json(_file(), [str(path) for path in [folder, *remembered()][:MOST]])


def folders() -> dict[str, Path]:
    """Short name → folder: the sample set first, even where it is not drawn yet, then those in `data/`, then others."""
    found = {folder.name: folder for folder in (home() / "data" / "sample", *in_data())}
    for folder in remembered():
        shorts = chain(
            [folder.name, f"{folder.name} in {folder.parent.name}"], (f"{folder.name} {n}" for n in count(2))
        )
        found[next(short for short in shorts if short not in found)] = folder
    return found


def name(folder: Path) -> str | None:
    """The short name of `folder`, where it is known."""
    return next((short for short, each in folders().items() if each == folder), None)


def _file() -> Path:
    return cache_folder() / "opened.json"
