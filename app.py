"""Busana's web app: `make app`, `busana app`, or `streamlit run app.py` in an environment of your own."""

import streamlit as st

from fashion_core import PACKAGE
from fashion_core.ui.document import MIDDLEWARE, ROUTES

app = st.App(PACKAGE / "ui" / "router.py", routes=ROUTES, middleware=MIDDLEWARE)
