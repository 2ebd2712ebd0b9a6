"""What every page does first, and what pages share to speak to the person: mistakes and ways onward."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

import streamlit as st
from PIL import Image, ImageDraw
from streamlit.errors import StreamlitPageNotFoundError

from fashion_core import APP, UserError, __version__

PAGES = APP / "pages"
ABOUT = f"**Busana {__version__}**: train, inspect and share apparel photo classifiers."


def boot(title: str) -> None:
    """Set up the page that follows: the wide layout, the browser's title and icon."""
    st.set_page_config(
        page_title=f"{title} · Busana",
        page_icon=_icon(),
        layout="wide",
        menu_items={"About": ABOUT},  # without an item the minimal toolbar hides its menu, and the choice of theme
    )


@st.cache_resource(show_spinner=False)
def _icon() -> Image.Image:
    """A hanger, drawn here: browsers would fetch a named icon from a font host."""
    icon = Image.new("RGBA", (64, 64))
    pen = ImageDraw.Draw(icon)
    pen.rounded_rectangle((0, 0, 63, 63), 14, "#3b4a9f")
    pen.line(((32, 28), (10, 48), (54, 48), (32, 28), (32, 23)), "white", 5, "curve")
    pen.arc((25, 10, 39, 24), 150, 90, "white", 5)
    return icon


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

    A page that runs alone, as in its tests, has no router to know its neighbours: there the link is a plain one.
    """
    try:
        st.page_link(PAGES / f"{page}.py", label=label, icon=icon, query_params=query or None)
    except StreamlitPageNotFoundError:
        st.link_button(label, f"/{page}?{urlencode(query)}" if query else f"/{page}", icon=icon)
