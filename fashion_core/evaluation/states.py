"""How far an answer can be believed, in three states: sure, check, outside.

    judgement = judge(card.states, card.classes, probabilities, distance)
    judgement.state, judgement.words        # State.OUTSIDE, "Not a garment this model knows."

The limits are a model's own, chosen by `bench.states`; the card keeps them. An answer is *sure* where its garment and
its colour are. A garment is, from the least confidence at which the answers as sure or surer are right so often that
Wilson's 95% interval of their accuracy begins at 98% or above, on photos that people took and that took no part in
training. A photo of an article that the model does not know counts as wrong, whatever it is called: nobody says
beforehand what a photo shows. Nobody wrote down the colours of these photos, so the colour's limit is chosen on
validation photos; they are easier, so the interval begins at 99% there. Where no confidence reaches that, and where a
card has no limits, nothing is called sure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from fashion_core.class_names import COLOUR, GARMENT, factors, in_words, marginalise
from fashion_core.stats import wilson

RIGHT = 0.98  # of garments that are called sure, as the lower end of the interval
COLOUR_RIGHT = 0.99  # of colours, on validation photos
FAR_QUANTILE = 0.99  # of held-back photos of what the model knows are nearer than what is called outside
NO_APPAREL = "Not a garment this model knows."
UNLIKE = "Looks different from the photos it was trained on."  # where no limit was measured on photos that people took


class State(StrEnum):
    """How far an answer can be believed; the value is what commands print and cards keep."""

    SURE = "sure"
    CHECK = "check"
    OUTSIDE = "outside"


NAMES = {State.SURE: "Sure", State.CHECK: "Check this", State.OUTSIDE: "Outside what it knows"}


@dataclass(frozen=True)
class Counted:
    """`right` of the `n` photos in a state; `unknown` of the n are of classes that the model does not have."""

    n: int
    right: int
    unknown: int = 0


@dataclass(frozen=True)
class States:
    """A model's limits. `sure`: the least calibrated probability of a sure garment; None: none holds. `sure_colour`:
    of its colour. `far`: the out-of-distribution score (`Explanations.ood_score`) beyond which a photo shows no apparel
    that it knows.

    `held_back` and `people` count, by state, the photos that the limits were chosen on, by garment, and those in
    examples/, by class, which took no part in choosing.
    """

    sure: float | None = None
    far: float | None = None
    held_back: Mapping[str, Counted] = field(default_factory=dict)
    people: Mapping[str, Counted] = field(default_factory=dict)
    sure_colour: float = 0.0


class Judgement(NamedTuple):
    """`words` say why, as a sentence; "" where the state says all."""

    state: State
    words: str = ""


def judge(
    states: States | None,
    classes: Sequence[str],
    probabilities: np.ndarray,
    distance: float = 0.0,
    strange_colour: bool = False,
) -> Judgement:
    """Of one photo: calibrated `probabilities` (classes,), its out-of-distribution score, and whether its measured
    colour is unlike those that were learned."""
    states = states or States()
    if states.far is not None and distance > states.far:
        return Judgement(State.OUTSIDE, NO_APPAREL)
    if factors(classes) is None:
        return Judgement(State.SURE if _reaches(probabilities, states.sure) else State.CHECK)
    garments, shares = marginalise(probabilities[None], classes, GARMENT)
    if strange_colour:
        garment = garments[int(shares[0].argmax())]
        return Judgement(State.OUTSIDE, f"Perhaps {_with_article(garment)}, in a colour it was not trained on.")
    colours = marginalise(probabilities[None], classes, COLOUR)[1]
    sure = _reaches(shares, states.sure) and _reaches(colours, states.sure_colour)
    return Judgement(State.SURE if sure else State.CHECK)


def limits_in_words(states: States | None, classes: Sequence[str], probabilities: np.ndarray) -> str:
    """From when on an answer is called sure, and what this one has, calibrated (classes,): a sentence; "" where nothing
    is ever called sure."""
    if states is None or states.sure is None:
        return ""
    if factors(classes) is None:
        return f"Sure needs {states.sure:.1%}; this photo: {probabilities.max():.1%}."
    garment, colour = (marginalise(probabilities[None], classes, factor)[1].max() for factor in (GARMENT, COLOUR))
    return (
        f"Sure needs garment {states.sure:.1%} and colour {states.sure_colour:.1%}; this photo: {garment:.1%} and "
        f"{colour:.1%}."
    )


def _reaches(probabilities: np.ndarray, limit: float | None) -> bool:
    return limit is not None and float(probabilities.max()) >= limit


def sure_limit(confidence: np.ndarray, right: np.ndarray, least: float = RIGHT) -> float | None:
    """The least confidence, of those (n,), from which on the answers, bool (n,) right, are right so often that the
    lower end of the 95% interval is `least` or above; None where there is no such confidence."""
    if not len(confidence):
        return None
    order = np.argsort(-confidence, kind="stable")
    answered, correct = np.arange(1, len(order) + 1), np.cumsum(right[order])
    last = np.append(confidence[order][1:] != confidence[order][:-1], True)  # equal ones are answered together
    holds = [place for place in np.flatnonzero(last) if wilson(correct[place], answered[place])[0] >= least]
    return float(confidence[order][holds[-1]]) if holds else None


def far_limit(distances: np.ndarray) -> float:
    """The score that only 1% of held-back photos of what the model knows, float (n,), pass."""
    return float(np.quantile(distances, FAR_QUANTILE))


def counted(states: Sequence[State], right: np.ndarray, known: np.ndarray) -> dict[str, Counted]:
    """By state: photos, right ones and those of classes that the model does not have; bool (n,) each."""
    found = np.array([str(state) for state in states])
    return {
        str(state): Counted(int((found == state).sum()), int(right[found == state].sum()),
                            int((~known[found == state]).sum()))
        for state in State
    }  # fmt: skip


def _with_article(garment: str) -> str:
    """ "a dress", "pants": what is named in the plural has none."""
    words = in_words(garment)
    return words if words.endswith("s") and not words.endswith("ss") else f"a {words}"
