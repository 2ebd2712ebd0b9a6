"""The one script behind every address: it registers the pages and runs the one that was asked for.

The pages folder alone would serve them too, but then a deep link could reach a page before this script has run.
"""

import streamlit as st

from fashion_core.ui.boot import PAGES, guard
from fashion_core.ui.document import ICON

st.set_page_config(page_icon=ICON)  # before the menu: else the browser fetches a page's icon from a host of fonts
page = st.navigation(
    [
        st.Page(PAGES / "home.py", title="Home", icon=":material/checkroom:", default=True),
        st.Page(PAGES / "data.py", title="Data", icon=":material/photo_library:"),
        st.Page(PAGES / "train.py", title="Train", icon=":material/model_training:"),
        st.Page(PAGES / "evaluate.py", title="Evaluate", icon=":material/grid_on:"),
        st.Page(PAGES / "compare.py", title="Compare", icon=":material/compare_arrows:"),
        st.Page(PAGES / "predict.py", title="Predict", icon=":material/center_focus_strong:"),
        st.Page(PAGES / "catalogue.py", title="Catalogue", icon=":material/grid_view:"),
    ],
    position="top",
)
with guard():
    page.run()
