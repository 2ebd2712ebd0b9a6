"""A question in plain words → filters on an evaluation: "misclassified blue dresses", "shoes below 60 %".

    found = query.parse("black shirts predicted blue, confident", evaluation.classes)
    evaluation.rows(query.mask(evaluation, found.filters))      # and found.unknown: the words that are no filter

No language model: a word is a class, a colour, a garment or one of WORDS. Every filter knows the words that ask for it,
so a question without one of them is a question again.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

import numpy as np

from fashion_core.class_names import classes_matching, factors, normalised_name
from fashion_core.evaluation.evaluation import ERROR_TYPES, Evaluation

SURE, UNSURE = 0.9, 0.6  # "confident" is at least this; "unsure" is below that
WORDS = {
    "wrong": "wrong misclassified misread mistake mistakes error errors mistaken confused incorrect",
    "right": "right correct correctly",
    "colour": "colour color colours colors",
    "garment": "garment garments",
    "both": "both",
    "at least 90%": "confident confidently sure certain",
    "below 60%": "unsure uncertain doubtful hesitant",
    "leaked": "leaked leaking leaks leak leakage",
    "predicted": "predicted called as taken named",
    "true": "true truly actually labelled labeled",
    "not": "not no non except without but isn't aren't",
    "": "a an all everything and any are at be by class confidence for in is it of or photo photos show me that the "
    "their them they to was were what which who with",
}
_MEANING = {word: meaning for meaning, words in WORDS.items() for word in words.split()}
_BOUND = re.compile(
    r"(below|under|less sure than|less than|at most|<|above|over|more sure than|more than|at least|>)\s*"
    r"(\d+(?:\.\d+)?)\s*(%?)"
)
_BELOW = ("below", "under", "less sure than", "less than", "at most", "<")
_OPPOSITE = {"right": "wrong", "wrong": "right"}


@dataclass(frozen=True)
class Filter:
    """`kind` is true, predicted, which, leaked, below or above; `value` the classes, the kind of answer, or a share."""

    kind: str
    value: tuple[str, ...] | str | float
    words: str


@dataclass(frozen=True)
class Query:
    filters: tuple[Filter, ...] = ()
    unknown: tuple[str, ...] = ()


def parse(text: str, classes: Sequence[str]) -> Query:
    """What `text` asks of an evaluation with these classes; case, and how its letters are composed, do not matter."""
    bounds, rest = _take_bounds(_same(text))
    for name in sorted(classes, key=len, reverse=True):  # a name of several words is one
        rest = rest.replace(_same(name), _one_word(name))
    reading = _Reading(classes, bounds)
    for word in re.findall(r"[^\s,;.?!“”\"]+", rest):
        _read_word(reading, word)
    sides = [_classes(side, found, classes) for side, found in reading.named.items() if found]
    return Query(_without_what_follows((*sides, *reading.filters)), tuple(dict.fromkeys(reading.unknown)))


@dataclass
class _Reading:
    """A question half read: the next name is on `side`, `negation` the word that denies what follows."""

    classes: Sequence[str]
    filters: list[Filter]
    named: dict[str, list[frozenset[str]]] = field(default_factory=lambda: {"true": [], "predicted": []})
    unknown: list[str] = field(default_factory=list)
    side: str = "true"
    negation: str = ""


def _take_bounds(text: str) -> tuple[list[Filter], str]:
    """The bounds in it, as "below 60 %", and the rest."""
    bounds = [_bounded(found[1] in _BELOW, float(found[2]), bool(found[3])) for found in _BOUND.finditer(text)]
    return bounds, _BOUND.sub(" ", text)


def _read_word(reading: _Reading, word: str) -> None:
    meaning = _MEANING.get(word)
    if found := _names(word, reading.classes):
        _read_name(reading, found)
    elif meaning == "not":
        reading.negation = word
        return
    elif meaning in ("predicted", "true"):
        reading.side = meaning
    elif meaning is None or (reading.negation and meaning and meaning not in _OPPOSITE):  # what is not "confident"?
        reading.unknown.append(f"{reading.negation} {word}".strip())
    elif meaning:
        reading.filters += _meant(_OPPOSITE[meaning] if reading.negation else meaning)
    if found or meaning != "":  # "not the blue ones": what follows is denied past words that say nothing
        reading.negation = ""


def _read_name(reading: _Reading, names: frozenset[str]) -> None:
    if reading.negation:
        reading.filters.append(_denied(_classes(reading.side, [names], reading.classes), reading.classes))
    else:
        reading.named[reading.side].append(names)


def _meant(meaning: str) -> list[Filter]:
    """The filter behind one meaning of WORDS."""
    if meaning in ERROR_TYPES:
        return [Filter("which", meaning, f"{meaning} wrong")]
    if meaning in _OPPOSITE:
        return [Filter("which", meaning, meaning)]
    return [Filter("leaked", meaning, meaning)] if meaning == "leaked" else _take_bounds(meaning)[0]


def mask(evaluation: Evaluation, filters: Sequence[Filter], folded: Evaluation | None = None) -> np.ndarray:
    """bool (photos): which photos pass all `filters`.

    Class names are those of `evaluation`; what is right and how sure it was is as in `folded`, where that is given.
    """
    answered = folded or evaluation
    keep = np.ones(len(evaluation), bool)
    for each in filters:
        if each.kind in ("true", "predicted"):
            numbers = evaluation.truth if each.kind == "true" else evaluation.predicted
            keep &= np.isin(numbers, [evaluation.classes.index(name) for name in cast(tuple[str, ...], each.value)])
        elif each.kind == "which":
            keep &= (evaluation if each.value in ERROR_TYPES else answered).mask(which=cast(Any, each.value))
        elif each.kind == "leaked":
            keep &= np.isin(np.arange(len(evaluation)), evaluation.meta.leaked or ())
        else:
            keep &= answered.confidence < each.value if each.kind == "below" else answered.confidence >= each.value
    return keep


def text(filters: Sequence[Filter]) -> str:
    """The words that ask for these filters, those of the predicted side last, since what follows them is on it too."""
    return ", ".join(each.words for each in sorted(filters, key=lambda each: each.kind == "predicted"))


def percent(share: float) -> str:
    """A share in words that are read back as the same float32, so that a bound lets the same photos pass."""
    shortest = Decimal(str(np.float32(share))) * 100
    return f"{shortest.normalize():f}%"


def _bounded(below: bool, number: float, of_hundred: bool) -> Filter:
    share = number / 100 if of_hundred or number > 1 else number
    return Filter("below" if below else "above", share, f"{'below' if below else 'at least'} {percent(share)}")


def _names(word: str, classes: Sequence[str]) -> frozenset[str]:
    """The classes, colours and garments that `word` names, singular or plural."""
    parts = {name for pair in factors(classes) or () for name in pair}
    known = {*classes, *parts}
    spoken = _forms(_one_word(word))
    return frozenset(name for name in known if spoken & _forms(_one_word(name)))


def _same(text: str) -> str:
    """The same for all ways to write a text: composed (NFC) and without case."""
    return normalised_name(normalised_name(text).casefold())


def _one_word(name: str) -> str:
    return re.sub(r"\W+", "_", _same(name))


def _forms(word: str) -> set[str]:
    return {word} | {word[: -len(end)] for end in ("s", "es") if word.endswith(end) and len(word) > len(end) + 1}


def _classes(side: str, named: Sequence[frozenset[str]], classes: Sequence[str]) -> Filter:
    """Colours and garments together mean the classes that have both; two of one kind mean either."""
    kinds: list[set[str]] = [set(), set(), set()]  # colours, garments, whole classes
    pairs = factors(classes) or ()
    for name in frozenset[str]().union(*named):
        kinds[2 if name in classes else 0 if name in {colour for colour, _ in pairs} else 1].add(name)
    either = [np.any([classes_matching(name, classes) for name in kind], axis=0) for kind in kinds[:2] if kind]
    keep = np.logical_and.reduce(either) if either else np.zeros(len(classes), bool)
    value = tuple(name for name, kept in zip(classes, keep, strict=True) if kept or name in kinds[2])
    words = " ".join(name for kind in kinds for name in sorted(kind))
    return Filter(side, value, words if side == "true" else f"predicted {words}")


def _denied(given: Filter, classes: Sequence[str]) -> Filter:
    """The same of all other classes."""
    others = tuple(name for name in classes if name not in cast(tuple[str, ...], given.value))
    side = "predicted " if given.kind == "predicted" else ""
    return Filter(given.kind, others, f"{side}not {given.words.removeprefix(side)}")


def _without_what_follows(filters: Sequence[Filter]) -> tuple[Filter, ...]:
    """Once each; "colour mistakes" asks for mistakes already."""
    caused = any(each.kind == "which" and each.value in ERROR_TYPES for each in filters)
    kept = [each for each in filters if not (caused and each.kind == "which" and each.value == "wrong")]
    return tuple(dict.fromkeys(kept))
