"""Class names of the form `<colour>_<garment>`, taken apart: so a colour mistake is told from a garment mistake."""

from collections.abc import Iterable, Sequence

import numpy as np

from fashion_core import UserError

COLOUR, GARMENT = 0, 1


def factors(classes: Sequence[str]) -> list[tuple[str, str]] | None:
    """(colour, garment) of every class, split at the first underscore; None where the names are not built so.

    They are when every name has both parts and at least one part is shared: otherwise there is nothing to factor.
    """
    parts = [name.partition("_") for name in classes]
    pairs = [(colour, garment) for colour, _, garment in parts]
    if not all(colour and garment for colour, garment in pairs):
        return None
    shared = any(len(set(part)) < len(pairs) for part in zip(*pairs, strict=True))
    return pairs if shared else None


def refuse_unknown(labels: Iterable[str], classes: Sequence[str]) -> None:
    """UserError where one of the `labels` is none of the model's `classes`."""
    if unknown := sorted(set(labels) - set(classes)):
        raise UserError(
            f"The model does not know the class {', '.join(unknown)}: rename or remove that folder "
            f"(the model's classes are {', '.join(classes)})."
        )


def classes_matching(name: str, classes: Sequence[str]) -> np.ndarray:
    """bool (classes): what a photo in a folder called `name` may be: that class, or all of that colour or garment."""
    if name in classes:
        return np.array([name == known for known in classes])
    pairs = factors(classes)
    return np.array([name in pair for pair in pairs]) if pairs else np.zeros(len(classes), bool)


def marginalise(probabilities: np.ndarray, classes: Sequence[str], part: int) -> tuple[tuple[str, ...], np.ndarray]:
    """The names of one part, COLOUR or GARMENT, and its probabilities (n, names): P(dress) sums over its colours.

    Raises ValueError where `factors(classes)` is None.
    """
    pairs = factors(classes)
    if pairs is None:
        raise ValueError("class names must be of the form <colour>_<garment>")
    names = tuple(dict.fromkeys(pair[part] for pair in pairs))
    member = np.array([[pair[part] == name for name in names] for pair in pairs], np.float32)
    return names, probabilities @ member
