"""Whether the server is shared, and who the visitor is: Streamlit's side of `fashion_core.access`.

`.streamlit/secrets.toml` sets sign-in up: `[auth]` as `st.login` wants it, `[access]` with the lists `trainers` and
`viewers`. docs/hosting.md has it for Google, Microsoft and Keycloak.
"""

import logging
import secrets
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from fashion_core import UserError, access
from fashion_core.access import Action, Role, SignIn
from fashion_core.api.figures import visitor
from fashion_core.api.predict import answers
from fashion_core.models.answering import Question
from fashion_core.ui import keys
from fashion_core.ui.holdings import holdings, uploads

NEEDED = {  # page → what one must be allowed to do there; others: look
    "Data": Action.GET_PHOTOS,
    "Train": Action.TRAIN,
    "Catalogue": Action.DECIDE,
}


def apply() -> None:
    """Share this process where others reach its server. Called wherever a server, a page or the router begins."""
    if access.serves_others(st.get_option("server.address")):
        access.share(caller)


def caller() -> Role:
    """Of the visitor whose page or callback runs in this thread; outside of any, of a stranger."""
    known: Mapping[str, Any] = st.user.to_dict() if get_script_run_ctx(suppress_warning=True) else {}
    return sign_in().role(known)


def sign_in() -> SignIn:
    """As the secrets have it. Lists that cannot be read let nobody do more than a stranger may."""
    auth, lists = _secrets()
    try:
        return SignIn.read(auth, lists)
    except UserError as mistake:
        logging.getLogger(__name__).error("%s", mistake)
        return SignIn(configured=True, viewers=frozenset({"nobody"}))


def may_open(page: str) -> bool:
    """Whether the visitor may open the page with this title."""
    return access.may(NEEDED.get(page, Action.LOOK))


def require_page(page: str) -> None:
    """UserError where the visitor may not open the page with this title."""
    access.require(NEEDED.get(page, Action.LOOK))


def sign_in_page() -> None:
    """Who one is here, and the buttons to sign in and out."""
    st.title("Sign in")
    user = st.user.to_dict()
    if user.get("is_logged_in"):
        role = {Role.TRAINER: "may train, bring photos and correct labels", Role.VIEWER: "may look and predict"}
        st.markdown(f"You are **{user.get('email') or 'signed in without an address'}**.")
        st.caption(f"Here you {role.get(access.role(), 'may do nothing yet: ask the owner of this server')}.")
        st.button("Sign out", icon=":material/logout:", on_click=st.logout)
        return
    st.markdown("Everyone may look and predict; trainers sign in." if access.may(Action.LOOK) else
                "This server is for people it knows.")  # fmt: skip
    for name, title in _providers(_secrets()[0]).items():
        st.button(title, icon=":material/login:", on_click=st.login, args=(name,) if name else ())


def answer_apart(folder: Path, data: bytes, thumbnail: int, keep: Callable[[dict[str, Any], bytes], object]) -> None:
    """What the model in `folder` says of the photo in `data`, all its classes, as `Answers.ask`; and a thumbnail. It is
    read in a process of its own, in turn, and the visitor sees how many are before theirs.

    Both go to `keep`, before anything more is drawn: a page that was pressed meanwhile is left where it draws.
    """
    place = st.empty()

    def told(before: int) -> None:
        waits = f"{before} {'photo is' if before == 1 else 'photos are'} before yours."
        place.caption(f":material/hourglass: {waits if before else 'You sent many photos: one is read each second.'}")

    try:
        keep(*answers().ask(Question(folder, "", data, 10_000, thumbnail), _who(), told, patient=True))
    finally:
        place.empty()


def let_photos_go() -> None:
    """Free the memory of dropped photos that no page of this tab has any more."""
    if access.shared() and (session := _session()):
        values = dict(st.session_state).values()
        files = [file for value in values for file in (value if isinstance(value, list) else [value])]
        kept = {file.file_id for file in files if isinstance(file, UploadedFile)}
        holdings.let_go(uploads(), session, kept)


def not_taken(photos: Collection[UploadedFile]) -> str | None:
    """A sentence where photos that were dropped with these found no room; it stays as long as these do."""
    here = {photo.file_id for photo in photos}
    if n := holdings.turned_away(_session()) if access.shared() else 0:
        st.session_state[keys.NOT_TAKEN] = here, n
    beside, n = st.session_state.get(keys.NOT_TAKEN, (here, 0))
    if not n or beside != here:
        return None
    were, most = "One photo was" if n == 1 else f"{n} photos were", holdings.most
    return (
        f"{were} not taken: this server keeps {most.megabytes_of_one} MB of photos for you and {most.megabytes} MB "
        "in all. Remove some, or come back in a few minutes, and drop them again."
    )


def warm(folder: Path) -> None:
    """Start the process that reads visitors' photos, and load the model in `folder`, before a photo comes."""
    answers().warm(folder)


def _who() -> str:
    """The visitor, by network address, or by the tab where that is hidden."""
    return visitor(str(st.context.ip_address or _session() or secrets.token_hex(8)))


def _session() -> str:
    """This tab's; "" outside of any."""
    context = get_script_run_ctx(suppress_warning=True)
    return context.session_id if context else ""


def _providers(auth: Mapping[str, Any]) -> dict[str, str]:
    """Name for `st.login`, "" for the only one → what its button says."""
    named = {name: f"Sign in with {name.capitalize()}" for name, value in auth.items() if isinstance(value, Mapping)}
    return named or {"": "Sign in"}


def _secrets() -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The sections `[auth]` and `[access]`; empty ones where there are no secrets."""
    if not st.secrets.load_if_toml_exists():
        return {}, {}
    return st.secrets.get("auth", {}), st.secrets.get("access", {})
