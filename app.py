"""Busana's web app. Run it with `make app`, or `streamlit run app.py` in an environment of your own."""

import streamlit as st

app = st.App("fashion_core/ui/router.py")
