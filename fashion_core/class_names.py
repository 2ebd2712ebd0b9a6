"""Class names: equal however a system spells their accents, and `<colour>_<garment>` names as two factors."""

import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np

from fashion_core import UserError

COLOUR, GARMENT = 0, 1  # the two factors


def normalised_name(name: str) -> str:
    """The name with each accented letter as one character (Unicode's form NFC), as Linux and Windows write it.

    macOS hands out a letter and its accent apart (NFD). Nothing else changes, so what is shown as one name is one name.
    """
    return unicodedata.normalize("NFC", name)


def split_names(classes: Sequence[str]) -> list[tuple[str, str]] | None:
    """(colour, garment) of every class, split at the first underscore, where a person says that names are built so.

    None where a name has no two words, or no two classes share any.
    """
    names = [name.split("_", 1) for name in classes]
    if not all(len(words) == 2 and all(words) for words in names):
        return None
    pairs = [(colour, garment) for colour, garment in names]
    shared = any(len(set(words)) < len(pairs) for words in zip(*pairs, strict=True))
    return pairs if shared else None


def factors(classes: Sequence[str]) -> list[tuple[str, str]] | None:
    """The same where nobody says so: None unless the names leave no doubt that they are colour and garment.

    They are when two classes at least share a colour and two share a garment, so that both vary; not every pair need be
    there. `class_0`, `class_1` share a word, but no number; bare numbers never count.
    """
    pairs = split_names(classes)
    if pairs is None or any(word.isdigit() for pair in pairs for word in pair):
        return None
    crossed = all(len(set(words)) < len(pairs) for words in zip(*pairs, strict=True))
    return pairs if crossed else None


def refuse_unknown(labels: Iterable[str], classes: Sequence[str]) -> None:
    """UserError where one of the `labels` is none of the model's `classes`."""
    if unknown := sorted(set(labels) - set(classes)):
        raise UserError(
            f"The model does not know the class {', '.join(unknown)}: rename that folder, or leave its photos out "
            f"with --known (the model's classes are {', '.join(classes)})."
        )


def classes_matching(name: str, classes: Sequence[str]) -> np.ndarray:
    """bool (classes): what a photo that a person calls `name` may be: that class, or all of that colour or garment."""
    name, classes = normalised_name(name), [normalised_name(known) for known in classes]
    if name in classes:
        return np.array([name == known for known in classes])
    pairs = split_names(classes)
    return np.array([name in pair for pair in pairs]) if pairs else np.zeros(len(classes), bool)


def marginalise(probabilities: np.ndarray, classes: Sequence[str], factor: int) -> tuple[tuple[str, ...], np.ndarray]:
    """The names of one factor, COLOUR or GARMENT, and its probabilities (n, names): P(dress) sums over its colours.

    Raises ValueError where `factors(classes)` is None.
    """
    pairs = factors(classes)
    if pairs is None:
        raise ValueError("class names must be of the form <colour>_<garment>")
    names = tuple(dict.fromkeys(pair[factor] for pair in pairs))
    member = np.array([[pair[factor] == name for name in names] for pair in pairs], np.float32)
    return names, probabilities @ member
