"""The list of all runs, which of them is shown, and what a person does with that: name it, delete it, bring it back."""

from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st

from fashion_core import UserError, runs
from fashion_core.photos.imaging import printable
from fashion_core.runs import Run, shelf
from fashion_core.ui import keys
from fashion_core.ui.gallery import escape_markdown


def show(run_id: str) -> None:
    """From now on the page shows this run."""
    st.session_state[keys.TRAIN_RUN] = run_id


def choose(listed: Mapping[str, Run], names: Mapping[str, str]) -> str:
    """The id of the run that is shown: that of the address, else the newest. The list shows names, the address ids."""
    linked = st.query_params.get(keys.TRAIN_RUN)
    if st.session_state.get(keys.TRAIN_RUN) not in listed:
        show(linked if linked is not None and linked in listed else next(iter(listed)))
    shown = st.selectbox("Run", list(listed), key=keys.TRAIN_RUN, format_func=lambda one: names.get(one, one))
    if linked != shown:
        st.query_params[keys.TRAIN_RUN] = shown
    return shown


def manage(run: Run, state: str) -> None:
    """A menu with what can be done with the run that is shown."""
    with st.popover("Name or delete", icon=":material/edit:", key=keys.of_run(keys.TRAIN_MENU, run.id)):
        key = keys.of_run(keys.TRAIN_NAME, run.id)
        st.text_input("Name", run.name, key=key, max_chars=shelf.LONGEST, disabled=state == runs.UNREADABLE,
                      on_change=_rename, args=(run, key))  # fmt: skip
        st.caption(f"Folder: {escape_markdown(run.id)}")
        st.button("Delete this run", icon=":material/delete:", key=keys.of_run(keys.TRAIN_DELETE, run.id),
                  on_click=_delete, args=(run,), disabled=state in runs.LIVE,
                  help="Stop it first." if state in runs.LIVE else "It can be brought back.")  # fmt: skip


def news() -> None:
    """What kept a run from being changed, once; and the run that was deleted last, with a way back."""
    if problem := st.session_state.pop(keys.TRAIN_PROBLEM, None):
        st.error(escape_markdown(problem), icon=":material/error:")
    if deleted := st.session_state.get(keys.TRAIN_DELETED):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"{escape_markdown(deleted[1])} was deleted.", width="content")
            st.button("Undo", icon=":material/undo:", key=keys.TRAIN_UNDO, on_click=_restore, args=(deleted[0],))


def table(listed: Sequence[Run], states: Mapping[str, str]) -> None:
    """All runs, a line each; a click on one shows it."""
    names, ids = shelf.names(listed), [run.id for run in listed]
    st.dataframe(
        [_row(run, names[run.id], states[run.id]) for run in listed], hide_index=True, on_select=partial(_open, ids),
        selection_mode="single-row", key=keys.TRAIN_TABLE, column_order=("name", "state", "result", "recipe", "photos"),
        column_config={name: name.capitalize() for name in ("name", "state", "result", "recipe", "photos")},
    )  # fmt: skip


def _row(run: Run, name: str, state: str) -> dict[str, str | int | None]:
    """A line of the list; one of a run that cannot be read says why."""
    if problem := run.problem:
        return {"run": run.id, "name": name, "state": runs.UNREADABLE, "result": problem}
    recipe = run.config
    epochs = "1 epoch" if recipe.epochs == 1 else f"{recipe.epochs} epochs"
    return {
        "run": run.id, "name": name, "state": state, "result": run.result,
        "recipe": f"{recipe.architecture}, {recipe.image_size} px, {epochs}", "photos": printable(run.dataset.name),
    }  # fmt: skip


def _open(ids: Sequence[str]) -> None:
    """A row of the list was clicked: show that run. `ids` are those of the rows as they were drawn."""
    if rows := st.session_state[keys.TRAIN_TABLE]["selection"]["rows"]:
        show(ids[rows[0]])


def _rename(run: Run, key: str) -> None:
    try:
        shelf.rename(run, st.session_state[key])
    except UserError as mistake:
        st.session_state[keys.TRAIN_PROBLEM] = str(mistake)


def _delete(run: Run) -> None:
    try:
        name = run.name
        shelf.delete(run)
        st.session_state[keys.TRAIN_DELETED] = run.id, name
    except UserError as mistake:
        st.session_state[keys.TRAIN_PROBLEM] = str(mistake)


def _restore(run_id: str) -> None:
    try:
        show(shelf.restore(run_id).id)
        st.session_state.pop(keys.TRAIN_DELETED, None)
    except UserError as mistake:
        st.session_state[keys.TRAIN_PROBLEM] = str(mistake)
