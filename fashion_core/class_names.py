"""Class names: equal however a system spells their accents, `<colour>_<garment>` names as two factors, and in words.

in_words("blue_shoes")                                          # "blue shoes"
counted(14, "blue_dress")                                       # "14 blue dresses"
confusion_in_words(14, "blue_shoes", "black_shoes", classes)    # "14 blue shoes called black"
"""

import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np

from fashion_core import UserError

COLOUR, GARMENT = 0, 1  # the two factors

# Words that cannot be counted as they are: names of colours, and whole kinds.
COLOUR_WORDS = frozenset((
    "beige", "black", "blue", "brown", "cyan", "gold", "gray", "green", "grey", "khaki", "magenta", "maroon",
    "multicolour", "navy", "olive", "orange", "pink", "purple", "red", "silver", "tan", "teal", "turquoise", "violet",
    "white", "yellow",
))  # fmt: skip
UNCOUNTED_ENDINGS = ("wear", "clothing", "denim")


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


def in_words(name: str) -> str:
    """A class name as a person writes it: "blue shoes"."""
    return name.replace("_", " ").strip() or name


def names_in_words(names: Sequence[str]) -> dict[str, str]:
    """Name → the same in words; as they are where two of `names` would read alike."""
    words = {name: in_words(name) for name in names}
    return words if len(set(words.values())) == len(words) else {name: name for name in names}


def listed(names: Sequence[str], last: str = "and") -> str:
    """Names in words, one after another: "hats, outwear and skirts"."""
    *before, end = names
    return f"{', '.join(before)} {last} {end}" if before else end


def answer_in_words(name: str) -> str:
    """The same at the head of a line: "Blue shoes"."""
    words = in_words(name)
    return words[:1].upper() + words[1:]


def counted(n: int, name: str) -> str:
    """So many photos of a class, in words: "1 blue dress", "14 blue dresses", "1 photo of blue shoes".

    What has no singular or no plural is counted by its photos; so is a colour alone: "3 blue photos".
    """
    words, several = in_words(name), "photo" if n == 1 else "photos"
    last = words.rsplit(" ", 1)[-1]
    if last.lower() in COLOUR_WORDS:
        return f"{n:,} {words} {several}"
    if _plural_only(last) and n != 1:
        return f"{n:,} {words}"
    if _plural_only(last) or not _countable(last):
        return f"{n:,} {several} of {words}"
    return f"{n:,} {words if n == 1 else words.removesuffix(last) + _plural(last)}"


def confusion_in_words(n: int, true: str, predicted: str, classes: Sequence[str]) -> str:
    """How many photos of one class were called another: "14 blue shoes called black", "3 black shirts called dresses".

    What both names share, colour or garment, is said once where the names of all `classes` come apart (`factors`).
    """
    pairs = dict(zip(classes, factors(classes) or (), strict=False))
    called = predicted
    if true in pairs and predicted in pairs and true != predicted:
        own, other = pairs[true], pairs[predicted]
        if own[GARMENT] == other[GARMENT]:
            return f"{counted(n, true)} called {in_words(other[COLOUR])}"
        if own[COLOUR] == other[COLOUR]:
            called = other[GARMENT]
    return f"{counted(n, true)} called {as_many(n, called)}"


def as_many(n: int, name: str) -> str:
    """The name alone, in the plural where they are several and it has one."""
    words = in_words(name)
    last = words.rsplit(" ", 1)[-1]
    if n == 1 or last.lower() in COLOUR_WORDS or _plural_only(last) or not _countable(last):
        return words
    return words.removesuffix(last) + _plural(last)


def _plural_only(word: str) -> bool:
    """Whether it is a plural as it stands, as shoes and pants are."""
    return len(word) > 2 and word.lower().endswith("s") and not word.lower().endswith("ss")


def _countable(word: str) -> bool:
    """Whether English adds an ending to it; not to a number, a letter, or a word such as knitwear."""
    return len(word) > 2 and word.isascii() and word.isalpha() and not word.lower().endswith(UNCOUNTED_ENDINGS)


def _plural(word: str) -> str:
    if word.endswith("rf"):  # scarf
        return word[:-1] + "ves"
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "z", "ch", "sh")) else "s")
