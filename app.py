"""Busana's web app: `make app`, `busana app`, or `streamlit run app.py` in an environment of your own."""

import streamlit as st

from fashion_core import PACKAGE
from fashion_core.api.routes import MIDDLEWARE, ROUTES
from fashion_core.ui import document, holdings, shared, thumbnails

shared.apply()  # before the first request, not only before the first page
app = st.App(
    PACKAGE / "ui" / "router.py",
    routes=[*ROUTES, *document.ROUTES, *thumbnails.ROUTES],
    middleware=[*MIDDLEWARE, *holdings.MIDDLEWARE, *document.MIDDLEWARE],
)
