"""Compare: models side by side, accuracy against what each costs, and the photos on which two of them differ."""

import streamlit as st

from fashion_core.models.registry import models_by_name
from fashion_core.reports.tested_models import COSTS, GARMENT, MEASURES, PEOPLE, TEST, by_photos, tested_models
from fashion_core.ui import keys
from fashion_core.ui.boot import boot, guard, link
from fashion_core.ui.gallery import escape_markdown
from fashion_core.ui.model_comparison import choose, show_chart, show_difference, show_table

boot("Compare")
st.title("Compare")
tested = tested_models(models_by_name().values())
if not tested:
    st.info("Nothing to compare yet. Train two models on the same photos to see what each costs and how well it does.",
            icon=":material/compare_arrows:")  # fmt: skip
    link("train", "Train a model", ":material/model_training:")
    st.stop()

sets = by_photos(tested)
own = sets if len(sets) > 1 else {}
measures = [one for one in MEASURES if any(model.share(one) for model in tested)]
offered = {one: MEASURES[one][0] for one in measures} | {name: f"Test photos of {name}" for name in own}
left, right = st.columns([2, 3], vertical_alignment="bottom")
with left:
    measure = choose("Accuracy on", offered, PEOPLE if PEOPLE in offered else TEST, keys.COMPARE_TESTED_ON)
cost = right.segmented_control("Cost", list(COSTS), key=keys.COMPARE_COST, default="Parameters", required=True,
                               wrap=True, bind="query-params")  # fmt: skip
shown = [model for model in tested if model.share(measure)]
best_first = sorted(tested, key=lambda model: -(model.accuracy(measure) or 0))
each = "each " if len(shown) > 1 else ""
on = {PEOPLE: f"photos people took, {each}counted on its own classes", TEST: f"test photos, {each}on its own",
      GARMENT: "photos people took, by the garment alone"}.get(measure, f"the test photos of {measure}")  # fmt: skip
st.caption(
    f"{len(shown)} model{'' if len(shown) == 1 else 's'} on {escape_markdown(on)}. Lines are 95% intervals; where they "
    "overlap widely, the difference may be chance. Colours show which test photos a model has."
)
with st.container():  # what comes and goes: the lists below keep their place, and the address follows them
    show_chart(tested, measure, cost)
show_table(best_first)

names = {model.name: model for model in best_first}
titles = {model.name: model.title for model in best_first}
st.header("Two models, photo by photo" if len(names) > 1 else "The model")
left, right = st.columns(2, vertical_alignment="bottom")  # by keyboard, what a click on the chart does
with left:
    name = choose("Model", titles, best_first[0].name, keys.COMPARE_MODEL)
if others := {each: title for each, title in titles.items() if each != name}:
    with right:
        other = choose("Compare with", others, next(iter(others)), keys.COMPARE_AGAINST)
    with guard():
        show_difference(names[name], names[other], measure)
link("evaluate", f"Everything about {titles[name]}", ":material/grid_on:", model=name)
