"""A wheel and a drag over the live curves, which zoom both charts: the browser says which part, the page draws that.

curve_zoom.mount(zoom, whole)    # `zoom` is called with the part, see `curves.zoomed`, or None for the whole run

ECharts' own zoom would last until the next tick, see `reports/curves.py`. The code beside this file draws nothing but
the frame of what will be shown; without it the slider zooms.
"""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from fashion_core.reports import curves
from fashion_core.ui import keys

WORDS = "Scroll or drag over a chart to zoom in, double-click for the whole run"
_component = st.components.v2.component(
    "busana.curve_zoom", js=Path(__file__).with_suffix(".js").read_text("utf-8")
)  # fmt: skip


def mount(zoom: Callable[[curves.Span | None], None], whole: bool) -> None:
    """`whole`: nothing is zoomed, so that a wheel that turns back scrolls the page."""

    def changed() -> None:
        part = (st.session_state.get(keys.CURVE_ZOOM) or {}).get("part")
        zoom((part[0], part[1]) if part else None)

    data = {"box": keys.CURVES, "grid": curves.GRID, "whole": whole}
    _component(key=keys.CURVE_ZOOM, data=data, on_part_change=changed, width="content")
