"""A question in plain words → filters on an evaluation: "misclassified blue dresses", "shoes below 60 %".

    asked = question.read("black shirts predicted blue, confident", evaluation.classes)
    evaluation.rows(question.mask(evaluation, asked.filters))      # and asked.unknown: the words nobody understood

No language model: a word is a class, a colour, a garment or one of WORDS. Every filter knows the words that ask for it,
so a question without one of them is a question again.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from fashion_core.class_names import classes_matching, factors
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
    """What `text` asks of an evaluation with these classes."""
    filters: list[Filter] = []

    def bound(found: re.Match) -> str:
        filters.append(_bounded(found[1] in _BELOW, float(found[2]), bool(found[3])))
        return " "

    rest = _BOUND.sub(bound, text.lower())
    for name in sorted(classes, key=len, reverse=True):  # a name of several words is one
        rest = rest.replace(name.lower(), _one_word(name))
    side, named, unknown, denied = "true", {"true": [], "predicted": []}, [], ""
    for word in re.findall(r"[^\s,;.?!“”\"]+", rest):
        meaning = _MEANING.get(word)
        if found := _names(word, classes):
            if denied:
                filters.append(_denied(_classes(side, [found], classes), classes))
            else:
                named[side].append(found)
        elif meaning in ("predicted", "true"):
            side = meaning
        elif meaning == "not":
            denied = word
            continue
        elif denied and meaning:  # what the opposite of the others is, nobody can say
            if meaning in _OPPOSITE:
                filters.append(Filter("which", _OPPOSITE[meaning], _OPPOSITE[meaning]))
            else:
                unknown.append(f"{denied} {word}")
        elif meaning in ("right", "wrong", *ERROR_TYPES):
            filters.append(Filter("which", meaning, f"{meaning} wrong" if meaning in ERROR_TYPES else meaning))
        elif meaning == "leaked":
            filters.append(Filter("leaked", meaning, meaning))
        elif meaning:
            filters += parse(meaning, classes).filters
        elif meaning is None:
            unknown.append(f"{denied} {word}".strip())
        if meaning != "":
            denied = ""
    sides = [_classes(side, found, classes) for side, found in named.items() if found]
    return Query(_without_what_follows((*sides, *filters)), tuple(dict.fromkeys(unknown)))


def mask(evaluation: Evaluation, filters: Sequence[Filter], folded: Evaluation | None = None) -> np.ndarray:
    """bool (photos): which photos pass all `filters`.

    Class names are those of `evaluation`; what is right and how sure it was is as in `folded`, where that is given.
    """
    answered = folded or evaluation
    keep = np.ones(len(evaluation), bool)
    for each in filters:
        if each.kind in ("true", "predicted"):
            numbers = evaluation.truth if each.kind == "true" else evaluation.predicted
            keep &= np.isin(numbers, [evaluation.classes.index(name) for name in each.value])
        elif each.kind == "which":
            keep &= (evaluation if each.value in ERROR_TYPES else answered).mask(which=each.value)
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


def _one_word(name: str) -> str:
    return re.sub(r"\W+", "_", name.lower())


def _forms(word: str) -> set[str]:
    return {word} | {word[: -len(end)] for end in ("s", "es") if word.endswith(end) and len(word) > len(end) + 1}


def _classes(side: str, named: Sequence[frozenset[str]], classes: Sequence[str]) -> Filter:
    """Colours and garments together mean the classes that have both; two of one kind mean either."""
    kinds = [set(), set(), set()]  # colours, garments, whole classes
    pairs = factors(classes) or ()
    for name in frozenset().union(*named):
        kinds[2 if name in classes else 0 if name in {colour for colour, _ in pairs} else 1].add(name)
    either = [np.any([classes_matching(name, classes) for name in kind], axis=0) for kind in kinds[:2] if kind]
    keep = np.logical_and.reduce(either) if either else np.zeros(len(classes), bool)
    value = tuple(name for name, kept in zip(classes, keep, strict=True) if kept or name in kinds[2])
    words = " ".join(name for kind in kinds for name in sorted(kind))
    return Filter(side, value, words if side == "true" else f"predicted {words}")


def _denied(asked: Filter, classes: Sequence[str]) -> Filter:
    """The same of all other classes."""
    others = tuple(name for name in classes if name not in asked.value)
    side = "predicted " if asked.kind == "predicted" else ""
    return Filter(asked.kind, others, f"{side}not {asked.words.removeprefix(side)}")


def _without_what_follows(filters: Sequence[Filter]) -> tuple[Filter, ...]:
    """Once each; "colour mistakes" asks for mistakes already."""
    caused = any(each.kind == "which" and each.value in ERROR_TYPES for each in filters)
    kept = [each for each in filters if not (caused and each.kind == "which" and each.value == "wrong")]
    return tuple(dict.fromkeys(kept))
