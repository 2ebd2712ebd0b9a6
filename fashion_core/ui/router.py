"""The one script behind every address: it registers the pages that the visitor may open and runs the one asked for.

The pages folder alone would serve them too, but then a deep link could reach a page before this script has run.
"""

import streamlit as st

from fashion_core.ui import shared
from fashion_core.ui.boot import PAGES, guard
from fashion_core.ui.document import ICON

shared.apply()
st.set_page_config(page_icon=ICON)  # before the menu: else the browser fetches a page's icon from a host of fonts
listed = {
    "Home": st.Page(PAGES / "home.py", title="Home", icon=":material/checkroom:", default=True),
    "Data": st.Page(PAGES / "data.py", title="Data", icon=":material/photo_library:"),
    "Train": st.Page(PAGES / "train.py", title="Train", icon=":material/model_training:"),
    "Evaluate": st.Page(PAGES / "evaluate.py", title="Evaluate", icon=":material/grid_on:"),
    "Compare": st.Page(PAGES / "compare.py", title="Compare", icon=":material/compare_arrows:"),
    "Predict": st.Page(PAGES / "predict.py", title="Predict", icon=":material/center_focus_strong:"),
    "Catalogue": st.Page(PAGES / "catalogue.py", title="Catalogue", icon=":material/grid_view:"),
}
pages = [page for title, page in listed.items() if shared.may_open(title)]
if shared.sign_in().configured:
    pages.append(st.Page(shared.sign_in_page, title="Sign in", icon=":material/account_circle:", url_path="sign-in"))
page = st.navigation(pages, position="top")
with guard():
    page.run()
