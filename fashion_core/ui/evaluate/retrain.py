"""Retrain with the decisions on labels, and see which test photos that mended and which it broke.

The new run is the model's recipe on the same photos with the decisions beside them; the test stays as it was, so both
answered the same photos. What became of it is looked up on disk: another visit finds it again.
"""

from pathlib import Path

import numpy as np
import streamlit as st

from fashion_core import UserError, access, runs
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.models.card import ModelCard
from fashion_core.photos import label_corrections
from fashion_core.runs import Run
from fashion_core.runs.config import TrainConfig
from fashion_core.runs.run import resolved
from fashion_core.ui import boot, keys, live, stored
from fashion_core.ui.evaluate.selection import open_photo
from fashion_core.ui.evaluate.state import State
from fashion_core.ui.gallery import escape_markdown, gallery

FILES = ("pretrained", "extra", "teacher")  # settings of which a published card keeps the name alone


def panel(state: State) -> None:
    """The button, or why there is none; how far a run with the decisions is; and what it brought."""
    if problem := st.session_state.pop(keys.RETRAIN_PROBLEM, None):
        st.error(escape_markdown(problem), icon=":material/error:")
    if not access.may(access.Action.TRAIN):
        return
    learned = _learned(state)
    try:
        recipe = recipe_of(state)
    except UserError as reason:
        st.caption(f":material/info: {escape_markdown(str(reason))}")
        return
    run = retrained(state, recipe)
    if run and run.state in runs.LIVE and not run.evaluation_file:
        st.fragment(_progress, run_every=live.TICK_SECONDS, key=keys.RETRAIN_PROGRESS)(run)
        return
    with st.container():  # what comes and goes
        if run:
            _outcome(state, run)
    if not run or _changed(run, state):
        _button(state, recipe, learned, again=run is not None)


def _button(state: State, recipe: TrainConfig, learned: int, again: bool) -> None:
    st.button("Retrain again and compare" if again else "Retrain and compare", key=keys.RETRAIN, type="primary",
              icon=":material/model_training:", disabled=not learned, on_click=_start,
              args=(recipe, state.root, state.corrections_file))  # fmt: skip
    n = len(state.corrections)
    of = f"{learned} of {n} decision{'s' if n != 1 else ''}" if learned < n else f"{n} decision{'s' if n != 1 else ''}"
    if learned:
        st.caption(f"Trains the same recipe anew with {of}. The test photos and their labels stay as they are.")
    else:
        st.caption("All decisions are on test photos, which are never trained on. **All photos** shows the labels of "
                   "training photos that look wrong.")  # fmt: skip


def _learned(state: State) -> int:
    """How many of the decisions are not of the model's test photos, which nobody learns from."""
    tested = {label_corrections.photo_key(path) for path in stored.evaluation_of(state.key.file).photos["path"]}
    return len(set(state.corrections) - tested)


# The run -------------------------------------------------------------------------------------------------------------


def recipe_of(state: State) -> TrainConfig:
    """The recipe that the model was trained by. UserError where it cannot be trained again here, and why."""
    if state.key.photos == "people":
        way = " To retrain, correct labels under “All photos”." if _has_all_photos(state) else ""
        raise UserError(f"These photos only test models: corrections here are kept and not trained on.{way}")
    if state.key.photos == "epochs":
        raise UserError("To retrain with your corrections, switch Photos to “Test photos”.")
    if not state.root.is_dir():
        raise UserError("The photos of this model are not on this machine, so it cannot be trained again here.")
    if run := _own_run(state):
        return run.config
    recipe = ModelCard.read(state.key.model).recipe
    if named := [name for name in FILES if getattr(recipe, name) not in ("", "imagenet", "none")]:
        raise UserError(f"The files this model was trained with are not here ({', '.join(named)}). Train your own "
                        "model on these photos to use your corrections.")  # fmt: skip
    return recipe


def _has_all_photos(state: State) -> bool:
    """Of a model that is looked at on photos people took: whether Photos offers all it was made with."""
    return bool(stored.explanations_mtime(state.key.model.parent))


def _own_run(state: State) -> Run | None:
    return next((run for run in runs.find() if run.id == state.name and not run.problem), None)


def retrained(state: State, recipe: TrainConfig) -> Run | None:
    """The newest run by `recipe` on these photos that learned from decisions, younger than the model itself."""
    root = state.root.resolve()
    wanted = resolved(recipe, root).changed({"decisions": ""})
    for run in runs.find():
        if run.id == state.name:
            return None
        try:
            if run.dataset == root and run.config.decisions and run.config.changed({"decisions": ""}) == wanted:
                return run
        except UserError:  # it cannot be read: Train says why
            continue
    return None


def _changed(run: Run, state: State) -> bool:
    """Whether there are decisions that the run did not begin with."""
    kept = run.folder / label_corrections.COPY
    return kept.exists() and dict(label_corrections.read(kept)) != dict(state.corrections)


def _start(recipe: TrainConfig, root: Path, file: Path) -> None:
    try:
        runs.refuse_if_busy()
        runs.launch(runs.create(recipe.changed({"decisions": str(file)}), root))
    except UserError as mistake:
        st.session_state[keys.RETRAIN_PROBLEM] = str(mistake)


def _progress(run: Run) -> None:
    if run.state not in runs.LIVE or run.evaluation_file:
        st.rerun()
    log = live.read(run)
    start, done = log.latest.get("start", {}), len(log.epochs)
    total = start.get("epochs") or run.config.epochs
    where = f"epoch {min(done + 1, total)} of {total}" if start.get("total_steps") else "reading the photos"
    st.progress(min(done / total, 1.0), f"Retraining with the decisions: {where}")
    boot.link("train", "Watch it train", ":material/monitoring:", run=run.id)


# What it brought -----------------------------------------------------------------------------------------------------


def _outcome(state: State, run: Run) -> None:
    """The two accuracies, and the photos on which the two models differ."""
    if not run.evaluation_file:
        st.warning(f"Retraining ended early ({run.state}).", icon=":material/warning:")
        boot.link("train", "See why", ":material/monitoring:", run=run.id)
        return
    before = stored.evaluation_of(state.key.file)
    try:
        after = before.aligned(stored.evaluation_of(run.evaluation_file))
    except UserError as other:
        st.caption(f":material/info: The retrained model cannot be compared: {escape_markdown(str(other))}.")
        return
    st.markdown(f"**Retrained: {before.accuracy:.2%} → {after.accuracy:.2%}** of the same {len(before):,} test photos")
    _differing(state, before, after)
    boot.link("evaluate", "Evaluate the retrained model", ":material/grid_on:", model=run.id)


def _differing(state: State, before: Evaluation, after: Evaluation) -> None:
    """Mended: wrong before and right now, shown as they were; broken: the other way round, as they are now."""
    sides: dict[str, tuple[Evaluation, np.ndarray]] = {
        "mended": (before, ~before.right & after.right), "broken": (after, before.right & ~after.right),
    }  # fmt: skip
    chosen = st.segmented_control("Photos that changed", list(sides), key=keys.MENDED, label_visibility="collapsed",
                                  format_func=lambda side: f"{sides[side][1].sum():,} {side}",
                                  default="mended" if sides["mended"][1].any() else "broken")  # fmt: skip
    if chosen:
        evaluation, keep = sides[chosen]
        rows = evaluation.rows(keep)
        if not len(rows):
            st.caption(f"No photo was {chosen}.")
            return
        st.caption(
            "Wrong before, right now. The tiles show the answers before."
            if chosen == "mended"
            else "Right before, wrong now. The tiles show the answers now."
        )
        gallery(rows, state.root, key=keys.MENDED_PHOTOS, page_size=6, on_open=open_photo)
