"""The one script behind every address: it lists the pages that the visitor may open and runs the one asked for.

The pages folder alone would serve them too, but then a deep link could reach a page before this script has run.
"""

import streamlit as st
from streamlit.navigation.page import Page

from fashion_core.ui import garbage, shared
from fashion_core.ui.boot import PAGES, guard
from fashion_core.ui.document import ICON

shared.apply()
shared.let_photos_go()
garbage.collect()
st.set_page_config(page_icon=ICON)  # before the menu: else the browser fetches a page's icon from a host of fonts
LISTED = {
    "Home": ":material/checkroom:",
    "Data": ":material/photo_library:",
    "Train": ":material/model_training:",
    "Evaluate": ":material/grid_on:",
    "Compare": ":material/compare_arrows:",
    "Predict": ":material/center_focus_strong:",
    "Catalogue": ":material/grid_view:",
}


def listed(title: str, icon: str) -> Page:
    """The page of this title; for whoever may not open it, who sees no link to it, the door at its address: Streamlit
    would call an address without a page not found."""
    name, home = title.lower(), title == "Home"
    file = PAGES / f"{name}.py"
    if shared.may_open(title):
        return st.Page(file, title=title, icon=icon, default=home)
    if shared.sign_in().configured:
        return st.Page(shared.sign_in_page, title="Sign in", url_path=name, default=home, visibility="hidden")
    return st.Page(file, title=title, default=home, visibility="hidden")  # it says who may open it


pages = [listed(title, icon) for title, icon in LISTED.items()]
if shared.sign_in().configured:
    pages.append(st.Page(shared.sign_in_page, title="Sign in", icon=":material/account_circle:", url_path="sign-in"))
page = st.navigation(pages, position="top")
with guard():
    page.run()
