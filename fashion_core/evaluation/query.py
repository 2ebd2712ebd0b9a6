"""A question in plain words → filters on an evaluation: "misclassified blue dresses", "shoes below 60%".

    found = query.parse("jeans taken for shorts, the worst 5", evaluation.classes)
    evaluation.rows(query.mask(evaluation, found))      # and found.unknown: the words that are no filter

No language model: a word is a class, a colour, a garment, what people call one, or one of `query_words.WORDS`. Every
filter knows the words that ask for it, so a question without one of them is a question again.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import permutations
from typing import Any, cast

import numpy as np

from fashion_core.class_names import classes_matching, factors, in_words, normalised_name
from fashion_core.evaluation import query_words
from fashion_core.evaluation.evaluation import ERROR_TYPES, Evaluation
from fashion_core.photos.imaging import printable

SURE, UNSURE = 0.9, 0.6  # "confident" is at least this; "unsure" is below that
ISSUES, DUPLICATES = "label issues", "duplicates"  # filters that need more than an evaluation, see `mask`
_OPPOSITE = {"right": "wrong", "wrong": "right"}


@dataclass(frozen=True)
class Filter:
    """`kind` is true, predicted, between, which, leaked, below, above, file, worst, least, ISSUES or DUPLICATES;
    `value` classes, files, the kind of answer, a share, or how many; `words` ask for it again; `said` is what was."""

    kind: str
    value: tuple[str, ...] | tuple[tuple[str, ...], ...] | str | float
    words: str
    said: str = field(default="", compare=False)

    @property
    def reading(self) -> str:
        """How it was read, in words: "jeans → blue pants"."""
        return f"{self.said} → {in_words(self.words)}" if self.said else in_words(self.words)


@dataclass(frozen=True)
class Query:
    filters: tuple[Filter, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def answered(self) -> bool:
        """Whether anything of it was understood, or nothing was asked."""
        return bool(self.filters) or not self.unknown


def parse(text: str, classes: Sequence[str]) -> Query:
    """What `text` asks of an evaluation with these classes; case, and how its letters are composed, do not matter."""
    filters, rest = _taken(_same(text))
    for name in sorted(classes, key=len, reverse=True):  # a name of several words is one
        rest = rest.replace(_same(name), _one_word(name))
        if factors(classes) is None:
            rest = rest.replace(_same(in_words(name)), _one_word(name))
    reading = _Reading(classes, filters)
    for word in re.findall(r"[^\s,;.?!“”\"]+|[,;]", query_words.plain(rest)):
        _read_word(reading, word)
    sides = _mixed_up(reading) or [_side(side, found, classes) for side, found in reading.named.items() if found]
    denied = [_denied(_side(side, [group], classes), classes) for side, group in reading.denied]
    found = _without_what_follows((*sides, *denied, *reading.filters))
    return Query(found, tuple(dict.fromkeys(reading.unknown)))


@dataclass
class _Group:
    """Names that mean one set of classes: these colours of these garments, or one class by its whole name."""

    colours: list[str] = field(default_factory=list)
    garments: list[str] = field(default_factory=list)
    whole: list[str] = field(default_factory=list)
    spoken: list[str] = field(default_factory=list)
    usual: str = ""  # the colour, where none is named
    renamed: bool = False


@dataclass
class _Reading:
    """A question half read: the next name is on `side`, `negation` the word that denies what follows."""

    classes: Sequence[str]
    filters: list[Filter]
    named: dict[str, list[_Group]] = field(default_factory=lambda: {"true": [], "predicted": []})
    denied: list[tuple[str, _Group]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    side: str = "true"
    negation: str = ""
    between: bool = False  # "confusions between dresses and shirts": either called the other
    turns: bool = False  # "black shoes that are really blue": what was named so far is what the model says
    before: list[str] = field(default_factory=list)  # words since the last name on this side


# What is taken out of the text before its words ----------------------------------------------------------------------


def _taken(text: str) -> tuple[list[Filter], str]:
    """Bounds as "below 60%", file names, and counts as "the worst 5"; and the rest."""
    filters, text = _take_bounds(text)
    files = [found[1] or found[2] for found in query_words.FILE.finditer(text)]
    if files:
        words = " ".join(f'"{name}"' if " " in name else name for name in files)
        filters.append(Filter("file", tuple(files), words))
        text = query_words.FILE.sub(" ", text)
    for kind, pattern in query_words.COUNTS.items():
        if found := pattern.search(text):
            spoken = next(filter(None, found.groups()))
            count = query_words.NUMBERS.get(spoken) or int(spoken)
            words = f"{count} least sure" if kind == "least" else f"worst {count}"
            filters.append(Filter(kind, count, words))
            text = pattern.sub(" ", text)
    return filters, text


def _take_bounds(text: str) -> tuple[list[Filter], str]:
    text = query_words.BETWEEN.sub(r"at least \1% below \2% ", text)
    found = query_words.BOUND.finditer(text)
    bounds = [_bounded(each[1] in query_words.BELOW, float(each[2]), bool(each[3])) for each in found]
    return bounds, query_words.BOUND.sub(" ", text)


def _bounded(below: bool, number: float, of_hundred: bool) -> Filter:
    share = number / 100 if of_hundred or number > 1 else number
    return Filter("below" if below else "above", share, f"{'below' if below else 'at least'} {percent(share)}")


# Word by word --------------------------------------------------------------------------------------------------------


def _read_word(reading: _Reading, word: str) -> None:
    meaning = "or" if word in ",;" else query_words.MEANING.get(word)
    if names := _names(word, reading.classes):
        _read_name(reading, word, names, renamed=False)
    elif names := _called(word, reading.classes):
        _read_name(reading, word, names, renamed=True)
    elif meaning == "not":
        reading.negation = word
    elif meaning == "between":
        reading.between = True
    elif meaning in ("predicted", "true", "really"):
        _turn(reading, meaning)
    elif meaning in ("", "or"):
        reading.before.append("," if word in ",;" else meaning or word)
    elif meaning is None or (reading.negation and meaning not in _OPPOSITE):  # what is not "confident"?
        reading.unknown.append(f"{reading.negation} {word}".strip())
        reading.before.append(word)
        reading.negation = ""
    else:
        reading.filters += _meant(_OPPOSITE[meaning] if reading.negation else meaning)
        reading.before.append(word)
        reading.negation = ""


def _turn(reading: _Reading, meaning: str) -> None:
    """What is named next is what the model says, or what is true."""
    reading.turns = meaning == "really" and not reading.named["predicted"]
    reading.side = "predicted" if meaning == "predicted" else "true"
    reading.before = []


def _read_name(reading: _Reading, word: str, names: frozenset[str], renamed: bool) -> None:
    if reading.turns and reading.named["true"]:
        reading.named = {"true": [], "predicted": reading.named["true"]}
    reading.turns = False
    colours, garments, whole = _kinds(names, reading.classes)
    denied = reading.denied and reading.denied[-1][0] == reading.side and reading.before[:1] == ["not"]
    if reading.negation or (denied and (set(reading.before) & {"or"} or (garments and len(reading.before) == 1))):
        last = reading.denied[-1][1] if denied and not reading.negation else None
        group = last if last and garments and len(reading.before) == 1 and not last.garments else _Group()
        if group is not last:
            reading.denied.append((reading.side, group))
        reading.before = ["not"]
    else:
        groups = reading.named[reading.side]
        if _contradicts(groups, reading.before, bool(colours), bool(garments or whole)):
            reading.unknown.append(" ".join([*(w for w in reading.before if query_words.MEANING.get(w) == ""), word]))
            return
        if not groups or _begins(groups[-1], reading.before, bool(colours), bool(whole)):
            groups.append(_Group())
        group = groups[-1]
        group.spoken += ["or"] if group.spoken and "or" in reading.before else []
        reading.before = []
    group.colours += colours
    group.garments += garments
    group.whole += whole
    group.spoken.append(word.replace("_", " "))
    group.usual = group.usual or (query_words.USUAL_COLOUR.get(word, "") if renamed else "")
    group.renamed |= renamed
    reading.negation = ""


def _begins(last: _Group, before: Sequence[str], colour: bool, whole: bool) -> bool:
    """Whether a name after the group `last` begins another: "blue dresses and black", "dresses and blue shirts"."""
    if whole or last.whole:
        return not (whole and last.whole)
    joined = "or" in before
    if colour:
        return bool(last.garments) and (bool(last.colours) or joined)
    return joined and bool(last.colours) and not last.garments


def _contradicts(groups: Sequence[_Group], before: Sequence[str], colour: bool, thing: bool) -> bool:
    """Whether a name of a kind that was named already stands apart from it by words that join nothing: how the two
    belong together was not understood, and either of them was not asked for."""
    if not groups or "or" in before or "," in before:
        return False
    if not before:  # "dress shirt": not a dress or a shirt
        return thing and not colour and bool(groups[-1].garments)
    if colour:
        return bool(groups[-1].colours) and not groups[-1].garments
    return thing and bool(groups[-1].garments or groups[-1].whole)


def _meant(meaning: str) -> list[Filter]:
    """The filter behind one meaning of WORDS."""
    if meaning in ERROR_TYPES:
        return [Filter("which", meaning, f"{meaning} wrong")]
    if meaning in _OPPOSITE:
        return [Filter("which", meaning, meaning)]
    if meaning in ("leaked", ISSUES, DUPLICATES):
        return [Filter(meaning, meaning, meaning)]
    return _take_bounds(meaning)[0]


# Names ---------------------------------------------------------------------------------------------------------------


def _names(word: str, classes: Sequence[str]) -> frozenset[str]:
    """The classes, colours and garments that `word` names, singular or plural."""
    parts = {name for pair in factors(classes) or () for name in pair}
    known = {*classes, *parts}
    spoken = _forms(_one_word(word))
    return frozenset(name for name in known if spoken & _forms(_one_word(name)))


def _called(word: str, classes: Sequence[str]) -> frozenset[str]:
    """The same, of what people call so: the nearest that there is."""
    meant = (_names(name, classes) for name in query_words.CALLED.get(word, ()))
    return next(filter(None, meant), frozenset())


def _kinds(names: frozenset[str], classes: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """Colours, garments and whole classes."""
    colours = {colour for colour, _ in factors(classes) or ()}
    whole = sorted(names & set(classes))
    parts = sorted(names - set(classes))
    return [n for n in parts if n in colours], [n for n in parts if n not in colours], whole


def _side(side: str, groups: Sequence[_Group], classes: Sequence[str]) -> Filter:
    """The classes of all groups; within one, colours and garments together mean the classes that have both."""
    names: set[str] = set()
    for group in groups:
        if group.usual and not group.colours:
            group.colours += [name for name in _names(group.usual, classes) if name not in classes]
        either = [np.any([classes_matching(n, classes) for n in kind], axis=0)
                  for kind in (group.colours, group.garments) if kind]  # fmt: skip
        keep = np.logical_and.reduce(either) if either else np.zeros(len(classes), bool)
        names |= {*group.whole, *(name for name, kept in zip(classes, keep, strict=True) if kept)}
    words = " or ".join(_group_words(group) for group in groups)
    said = " or ".join(" ".join(group.spoken) for group in groups) if any(group.renamed for group in groups) else ""
    before = "" if side == "true" else "predicted "
    return Filter(side, tuple(name for name in classes if name in names), before + words, before + said if said else "")


def _mixed_up(reading: _Reading) -> list[Filter]:
    """The photos of one of the names that were called another of them; of one name alone, mistakes."""
    groups = [each for group in reading.named["true"] for each in _each(group)]
    if not reading.between or len(groups) < 2:
        reading.filters += _meant("wrong") if reading.between else []
        return []
    sets = tuple(cast(tuple[str, ...], _side("true", [group], reading.classes).value) for group in groups)
    return [Filter("between", sets, f"confusion between {' and '.join(map(_group_words, groups))}")]


def _each(group: _Group) -> list[_Group]:
    """A group for each name of it: "dresses and shirts" is one of two."""
    if group.whole:
        return [_Group(whole=[name]) for name in group.whole]
    if len(group.garments) > 1:
        return [_Group(group.colours, [name]) for name in group.garments]
    return [_Group([name], group.garments) for name in group.colours] or [group]


def _group_words(group: _Group) -> str:
    kinds = (group.colours, group.garments, group.whole)
    return " ".join(" or ".join(dict.fromkeys(kind)) for kind in kinds if kind)


def _denied(given: Filter, classes: Sequence[str]) -> Filter:
    """The same of all other classes."""
    others = tuple(name for name in classes if name not in cast(tuple[str, ...], given.value))
    side = "predicted " if given.kind == "predicted" else ""
    said = f"{side}not {given.said.removeprefix(side)}" if given.said else ""
    return Filter(given.kind, others, f"{side}not {given.words.removeprefix(side)}", said)


def _same(text: str) -> str:
    """The same for all ways to write a text: composed (NFC) and without case."""
    return normalised_name(normalised_name(text).casefold())


def _one_word(name: str) -> str:
    return re.sub(r"\W+", "_", _same(name))


def _forms(word: str) -> set[str]:
    return {word} | {word[: -len(end)] for end in ("s", "es") if word.endswith(end) and len(word) > len(end) + 1}


def _without_what_follows(filters: Sequence[Filter]) -> tuple[Filter, ...]:
    """Once each; "colour mistakes" asks for mistakes already."""
    caused = any(each.kind == "which" and each.value in ERROR_TYPES for each in filters)
    return tuple(dict.fromkeys(e for e in filters if not (caused and e.kind == "which" and e.value == "wrong")))


# The photos ----------------------------------------------------------------------------------------------------------


def mask(
    evaluation: Evaluation,
    asked: Query | Sequence[Filter],
    folded: Evaluation | None = None,
    within: np.ndarray | None = None,
    known: Mapping[str, np.ndarray | None] | None = None,
) -> np.ndarray:
    """bool (photos): which photos pass all filters. None does where nothing of a question was understood.

    Class names are those of `evaluation`; what is right and how sure it was is as in `folded`, where that is given.
    "The worst 5" are counted among the photos that pass the others and, bool (photos), `within`. `known` has those of
    ISSUES and of DUPLICATES; where it does not, no photo is known to be one.
    """
    answered = folded or evaluation
    keep = np.ones(len(evaluation), bool) if within is None else within.copy()
    if isinstance(asked, Query) and not asked.answered:
        return np.zeros(len(evaluation), bool)
    filters = asked.filters if isinstance(asked, Query) else asked
    for each in sorted(filters, key=lambda each: each.kind in query_words.COUNTS):
        keep &= _passes(evaluation, answered, each, keep, known or {})
    return keep


def _passes(
    evaluation: Evaluation, answered: Evaluation, each: Filter, keep: np.ndarray, known: Mapping[str, Any]
) -> np.ndarray:
    """bool (photos): which photos pass one filter; `keep` are those that pass the others."""
    if each.kind in ("true", "predicted"):
        return _of(evaluation, each.kind, cast(tuple[str, ...], each.value))
    if each.kind == "between":
        pairs = permutations(cast(Any, each.value), 2)
        return np.any([_of(evaluation, "true", a) & _of(evaluation, "predicted", b) for a, b in pairs], axis=0)
    if each.kind == "which":
        return (evaluation if each.value in ERROR_TYPES else answered).mask(which=cast(Any, each.value))
    if each.kind == "leaked":
        return np.isin(np.arange(len(evaluation)), evaluation.meta.leaked or ())
    if each.kind == "file":
        return _files(evaluation, cast(tuple[str, ...], each.value))
    if each.kind in (ISSUES, DUPLICATES):
        found = known.get(each.kind)
        return np.zeros(len(evaluation), bool) if found is None else found
    if each.kind in query_words.COUNTS:
        rows = np.flatnonzero(keep)
        order = np.argsort(answered.confidence[rows], kind="stable") if each.kind == "least" else _worst(answered, keep)
        return np.isin(np.arange(len(evaluation)), rows[order][: int(cast(float, each.value))])
    below = answered.confidence < each.value
    return below if each.kind == "below" else ~below


def _of(evaluation: Evaluation, kind: str, names: Sequence[str]) -> np.ndarray:
    numbers = [evaluation.classes.index(name) for name in names]
    return np.isin(evaluation.truth if kind == "true" else evaluation.predicted, numbers)


def _worst(answered: Evaluation, keep: np.ndarray) -> np.ndarray:
    """Places among the photos that `keep` marks, wrong ones first, as of `Evaluation.rows`."""
    return np.searchsorted(np.flatnonzero(keep), answered.rows(keep)["index"].to_numpy(int))


def _files(evaluation: Evaluation, names: Sequence[str]) -> np.ndarray:
    """bool (photos): whose path is, or ends with, one of these names."""
    ends = tuple(before + name for name in names for before in ("/", " "))
    paths = (_same(printable(path).replace("\\", "/")) for path in evaluation.photos["path"])
    return np.array([path in names or path.endswith(ends) for path in paths])


def text(filters: Sequence[Filter]) -> str:
    """The words that ask for these filters, those of the predicted side last, since what follows them is on it too."""
    return ", ".join(each.words for each in sorted(filters, key=lambda each: each.kind == "predicted"))


def percent(share: float) -> str:
    """A share in words that are read back as the same float32, so that a bound lets the same photos pass."""
    shortest = Decimal(str(np.float32(share))) * 100
    return f"{shortest.normalize():f}%"
