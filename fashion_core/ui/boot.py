"""What every page does first, and what pages share to speak to the person: mistakes and ways onward."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

import streamlit as st
from streamlit.errors import StreamlitPageNotFoundError

from fashion_core import APP, UserError, __version__
from fashion_core.ui import shared, webp
from fashion_core.ui.document import ICON

PAGES = APP / "pages"
ABOUT = f"**Busana {__version__}**: train, inspect and share apparel photo classifiers."


def boot(title: str) -> None:
    """Set up the page that follows: the wide layout, the browser's title and icon. It ends here for a visitor of a
    shared server who may not open it."""
    st.set_page_config(
        page_title=f"{title} · Busana",
        page_icon=ICON,
        layout="wide",
        menu_items={"About": ABOUT},  # without an item the minimal toolbar hides its menu, and the choice of theme
    )
    shared.apply()
    webp.let_through()
    with guard():
        shared.require_page(title)


@contextmanager
def guard() -> Iterator[None]:
    """Show a `UserError` raised inside as one sentence, and end the page there.

    Anything else passes: Streamlit's own signals must, and a fault of ours belongs whole in the server's log, while
    the person sees a plain notice (`client.showErrorDetails` in `.streamlit/config.toml`).
    """
    try:
        yield
    except UserError as mistake:
        st.error(str(mistake), icon=":material/error:")
        st.stop()


def link(page: str, label: str, icon: str | None = None, **query: str) -> None:
    """Draw a link to one of our pages, by its file's stem, opened with this query string.

    Nothing is drawn of a page that the visitor may not open. A page that runs alone, as in its tests, has no router to
    know its neighbours: there the link is a plain one.
    """
    if not shared.may_open(page.capitalize()):
        return
    try:
        st.page_link(PAGES / f"{page}.py", label=label, icon=icon, query_params=query or None)
    except StreamlitPageNotFoundError:
        st.link_button(label, f"/{page}?{urlencode(query)}" if query else f"/{page}", icon=icon)
