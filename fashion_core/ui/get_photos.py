"""The form that brings photos: a set that others publish, or a folder or archive of one's own, under a name."""

from pathlib import Path

import streamlit as st

from fashion_core import UserError, home
from fashion_core.files import given_path
from fashion_core.photos import sources
from fashion_core.ui import keys

OWN = "own"


def get_photos() -> None:
    """Download a set, or take a folder or archive in its place; then have the page open it."""
    with st.form(keys.DATA_FORM, border=False):
        name = st.radio("Set", (*sources.SOURCES, OWN), format_func=_title, key=keys.DATA_SOURCE)
        local = st.text_input(
            "Folder, zip or tar you have", key=keys.DATA_LOCAL, placeholder="leave empty to download",
            help="A path on the machine that runs Busana",
        )  # fmt: skip
        folder = st.text_input(
            "Name of the new folder", key=keys.DATA_NAME, placeholder="the name of the set, folder or archive",
            help="It is made in data/. Another name keeps what is there under the usual one.",
        )  # fmt: skip
        pressed = st.form_submit_button("Get photos", icon=":material/download:")
    if not pressed:
        return
    bar = st.progress(0.0, "Starting")
    try:
        st.session_state[keys.DATA_RECEIVED] = _receive(name, local.strip(), folder.strip(), bar)
    except UserError as mistake:  # the photos that are open stay on the page
        bar.empty()
        st.error(str(mistake), icon=":material/error:")
        return
    st.rerun()


def received() -> Path | None:
    """The folder of the photos that were just received, once."""
    return st.session_state.pop(keys.DATA_RECEIVED, None)


def _title(name: str) -> str:
    return "Photos of your own" if name == OWN else sources.SOURCES[name].title


def _receive(name: str, local: str, folder: str, bar) -> Path:
    """The new folder with the photos; UserError says what to change."""

    def progress(done: int, total: int, what: str) -> None:
        bar.progress(min(1.0, done / max(total, 1)), f"{what}: {done:,} of {total:,}")

    given = given_path(local) if local else None
    if name == OWN and given is None:
        raise UserError("Give the folder, zip or tar that holds your photos.")
    out = home() / "data" / _folder_name(folder or (given.name.split(".")[0] if name == OWN and given else name))
    if out.is_dir() and any(out.iterdir()):
        raise UserError(f"{out} is here already: open it, or give the new folder another name.")
    if name == OWN and given:
        return sources.take(given, out, progress)
    return sources.fetch(name, out, given, progress)


def _folder_name(name: str) -> str:
    if not name or name.startswith(".") or set(name) & set('/\\:*?"<>|\0'):
        raise UserError('The name of the new folder cannot be empty, begin with a dot or hold / \\ : * ? " < > |.')
    return name
