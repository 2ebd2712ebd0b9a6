"""The question box: a question in plain words, how it was read, and questions to begin with.

found = ask.question(source, changed)     # draws the box
keep = ask.mask(source, found, within)    # the photos that pass it, of those `within`
ask.chips(source, found, set_words)       # how it was read
"""

from collections.abc import Callable

import numpy as np
import streamlit as st

from fashion_core.class_names import confusion_in_words, counted, factors
from fashion_core.evaluation import query
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.ui import background, keys, stored
from fashion_core.ui.evaluate.state import Source
from fashion_core.ui.gallery import escape_markdown

EXAMPLES = 4


def question(source: Source, changed: Callable[[], None]) -> query.Query:
    """The box; `changed` is called where a person has typed. Words are the classes of the whole evaluation."""
    classes = source.whole.classes
    words = st.text_input("Ask", key=keys.QUERY, bind="query-params", on_change=changed, icon=":material/search:",
                          label_visibility="collapsed", placeholder="Ask: misclassified blue dresses, the worst 5, …"
                          if factors(classes) else "Ask: confident mistakes, the worst 5, …")  # fmt: skip
    return query.parse(words, classes)


def chips(source: Source, found: query.Query, set_words: Callable[[str], None]) -> None:
    """What was understood, each filter a chip that goes at a click; and what was not. `set_words` asks anew."""
    for place, each in enumerate(found.filters):
        rest = [other for other in found.filters if other != each]
        st.button(_chip(each, source.votes), key=keys.chip(place), icon=":material/close:", help="Remove this filter",
                  on_click=set_words, args=(query.text(rest),))  # fmt: skip
    if found.unknown:
        st.caption(_not_understood(found, source.whole.classes))


def questions(source: Source, set_words: Callable[[str], None]) -> None:
    """Questions to begin with, as buttons."""
    for place, example in enumerate(examples(source.whole)):
        st.button(escape_markdown(example), key=keys.question(place), type="tertiary", on_click=set_words,
                  args=(example,))  # fmt: skip


def mask(source: Source, found: query.Query, within: np.ndarray) -> np.ndarray:
    """bool (photos): who passes; right and sure are as the factor folds it. What is still being worked out shows its
    progress, and no photo passes."""
    asked = {each.kind for each in found.filters}
    known: dict[str, np.ndarray | None] = {}
    with st.container():  # what comes and goes
        if query.ISSUES in asked and background.ready(stored.label_issues_of(source.key), "asked-label-issues"):
            known[query.ISSUES] = stored.has_label_issue(source.key)
        if query.DUPLICATES in asked:
            known[query.DUPLICATES] = _near_duplicates(source)
            if known[query.DUPLICATES] is None:
                st.caption(":material/info: Duplicates are known of models that came with explanations.")
    return query.mask(source.whole, found, source.evaluation, within, known)


def examples(evaluation: Evaluation) -> list[str]:
    """Questions that have photos here: the most common mistake, the class with the most mistakes, and two more."""
    classes = evaluation.classes
    asked = [confusion_in_words(n, true, called, classes) for true, called, n in evaluation.confusions(1)]
    asked = [words.split(" ", 1)[1] for words in asked]  # without how many
    missed = np.bincount(evaluation.truth[~evaluation.right], minlength=len(classes))
    if missed.any():
        asked.append("misclassified " + counted(2, classes[int(missed.argmax())]).removeprefix("2 "))
    asked += ["confident mistakes", "the worst 5", "unsure but right"]
    found = {words: query.parse(words, classes) for words in asked}
    some = [words for words, q in found.items() if not q.unknown and query.mask(evaluation, q).any()]
    return some[:EXAMPLES]


def _near_duplicates(source: Source) -> np.ndarray | None:
    """bool (photos): which have a near-duplicate among all photos; None where that is not known."""
    if not source.key.explanations_mtime:
        return None
    paths = set(stored.near_duplicates_of(source.key.model, source.key.explanations_mtime)["path"])
    return np.array([path in paths for path in source.whole.photos["path"]])


def _chip(each: query.Filter, votes: bool) -> str:
    of = " of the votes" if votes and each.kind in ("below", "above") else ""
    return escape_markdown(each.reading) + of


def _not_understood(found: query.Query, classes: tuple[str, ...]) -> str:
    names = ", ".join(f"“{escape_markdown(word)}”" for word in found.unknown)
    are = "is" if len(found.unknown) == 1 else "are"
    what = f"{names} {are} not understood" + (" and left out." if found.filters else ", so no photo is shown.")
    known = "a class, colour or garment" if factors(classes) else "a class"
    return (
        f":material/help: {what} Ask for {known}, “wrong”, “called …”, “not …”, “below 60%”, “the worst 5”, "
        "“label errors”, “duplicates”, “leaked” or a file name."
    )
