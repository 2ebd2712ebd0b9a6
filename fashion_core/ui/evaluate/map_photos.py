"""Photos on the map, which Plotly does not have: the one under the pointer, and zoomed in one in place of each point.

map_photos.mount(address)    # beside the chart, in the container keys.MAP_BOX

The code beside this file listens to what Plotly says of its chart, and lays photos over it. It changes nothing of the
chart: without it points are points, and a click still opens a photo.
"""

from pathlib import Path

import streamlit as st

from fashion_core.ui import keys

_code = Path(__file__)
_component = st.components.v2.component(
    "busana.map_photos", js=_code.with_suffix(".js").read_text("utf-8"),
    css=_code.with_suffix(".css").read_text("utf-8"), isolate_styles=False,
)  # fmt: skip


def mount(address: str | None) -> None:
    """`address` is that of the photos (`thumbnails.address`), which their rows follow; None: there are only words."""
    _component(key=keys.MAP_PHOTOS, data={"box": keys.MAP_BOX, "photos": address}, width="content")
