"""Tables whose rows open photos, and the point just clicked in a chart."""

import zlib
from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from fashion_core.class_names import in_words
from fashion_core.ui import keys
from fashion_core.ui.evaluate.selection import last_selected, open_photo


def clicked_point(chart: str) -> list | None:
    """The customdata of the point just clicked in this Plotly chart: numbers come back as a dict by place, values of
    several kinds as a list."""
    points = st.session_state[chart].selection.points
    if not points:
        return None
    about = points[0]["customdata"]
    return list(about.values() if hasattr(about, "values") else about)


def shown(values: np.ndarray | Sequence[str]) -> int:
    """A number that stands for what a table or chart shows, for its key: of other rows it is another table."""
    content = values.tobytes() if isinstance(values, np.ndarray) else "\0".join(values).encode("utf-8", "replace")
    return zlib.crc32(content)


def photo_table(rows: pd.DataFrame, table: str, columns: dict) -> None:
    """`rows`, with index and path, as a table of these columns, class names in words; a ticked row opens its photo.

    A tick is a place, and Streamlit keeps it when other rows come: so other rows are another table.
    """
    variant = shown(rows["index"].to_numpy(np.int64))
    key, paths = keys.variant(table, variant), rows["path"].to_numpy()
    named = [name for name in ("label", "predicted", "pixels") if name in columns]
    words = rows.assign(**{name: rows[name].map(in_words) for name in named})
    st.dataframe(words[list(columns)], hide_index=True, key=key,
                 on_select=partial(_from_table, table, variant, paths), placeholder="", selection_mode="single-row",
                 height=min(35 * len(rows) + 38, 460), column_config=columns)  # fmt: skip


def _from_table(table: str, variant: int, paths: np.ndarray) -> None:
    place = last_selected(table, variant, st.session_state[keys.variant(table, variant)].selection.rows)
    if isinstance(place, int):
        open_photo(paths[place])
