"""The names beside and below a confusion matrix can be clicked: Streamlit tells of clicks on the cells alone.

matrix_names.mount(keys.MATRIX, classes, options, choose)    # in or beside the container or chart of that key
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from fashion_core.ui import keys

Axis = Literal["true", "predicted"]
_component = st.components.v2.component(
    "busana.matrix_names", js=Path(__file__).with_suffix(".js").read_text("utf-8")
)  # fmt: skip


def mount(
    box: str, classes: Sequence[str], options: dict[str, Any], choose: Callable[[Axis, str], None] | None = None
) -> tuple[Axis, str] | None:
    """The axis and the class whose name was just clicked, in the matrix that `options` draw of `classes`; `choose` is
    called with them before the page is drawn anew."""

    def clicked() -> None:
        if choose and (name := _named(st.session_state.get(keys.MATRIX_NAMES), classes)):
            choose(*name)

    # Behind the classes a matrix may have one cell more, for the mistakes of each.
    data = {"box": box, "grid": options["grid"], "cells": len(options["xAxis"]["data"]), "names": len(classes)}
    return _named(_component(key=keys.MATRIX_NAMES, data=data, on_name_change=clicked, width="content"), classes)


def _named(said: Any, classes: Sequence[str]) -> tuple[Axis, str] | None:
    """What the browser said, where there is such a class."""
    name = said.get("name") if said else None
    if not name or not 0 <= name[1] < len(classes):
        return None
    return "true" if name[0] == "true" else "predicted", classes[name[1]]
