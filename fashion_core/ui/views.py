"""An evaluation beside its matrix and report: confidences, suspect labels, colours, oddities, the map, epochs."""

import zlib
from collections.abc import Collection
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from fashion_core.evaluation.colour_check import NEIGHBOURS, SURE
from fashion_core.evaluation.evaluation import Evaluation
from fashion_core.evaluation.explanations import Explanations
from fashion_core.evaluation.label_issues import CROSS_VALIDATED, OUTLIER_RATIO
from fashion_core.evaluation.query import percent
from fashion_core.photos import quality
from fashion_core.photos.label_corrections import photo_key
from fashion_core.reports import charts
from fashion_core.stats import between, reliability, risk_coverage
from fashion_core.ui.photo import open_photo
from fashion_core.ui.selection import choose, choose_by_words, first_page, pressed

MAP = ("label", "prediction", "error", "split")  # what points may be coloured by
UNUSUAL = {  # by split: what a confidence is where it is not the model's own, calibrated one
    CROSS_VALIDATED: "Here a confidence is the share of the nearest photos with that label, the nearer the weightier.",
    "validation": "Confidences of an epoch are as the network gave them: they are calibrated after the last one.",
}
CORNERS = 40  # of a drawn area kept: the address must hold it
ODD = {
    "unlike the others": f"Their tenth nearest photo, to the network, is {OUTLIER_RATIO:g} times as far as usual or "
    "farther.",
    "near-duplicates": "One picture or one shot, by their pixels. Training keeps a group on one side of the split.",
    "perhaps one picture": "Alike to the network and by perceptual hash, as one picture cropped; often other goods.",
    **dict.fromkeys(quality.ISSUES.values(), "The lower the score, the worse."),
}


def confidence(evaluation: Evaluation) -> None:
    """How far confidences can be trusted, and what refusing the least sure would bring; both open their photos."""
    table = reliability(evaluation.confidence, evaluation.right, bins=10)
    st.markdown(
        f"**How honest is a confidence?** Its expected calibration error is {evaluation.calibration_error:.3f}."
    )
    with st.container():
        if note := UNUSUAL.get(evaluation.meta.split):
            st.caption(f":material/info: {note}")
    st.plotly_chart(charts.reliability_figure(table), key="reliability", on_select=_from_bars,
                    selection_mode="points", config={"displayModeBar": False})  # fmt: skip
    st.caption("Bars on the dotted line are honest; strokes are 95% intervals. Click a bar to see its photos.")
    st.markdown("**What if it may say “I do not know”?**")
    share = st.slider("Refuse the least sure", 0, 50, 10, format="%d%%", key="refuse", bind="query-params") / 100
    curve = risk_coverage(evaluation.confidence, evaluation.right)
    at = curve.iloc[np.abs(curve["coverage"] - (1 - share)).argmin()]
    n, right = int(at["n"]), round(at["accuracy"] * at["n"])
    st.markdown(
        f"Refusing {1 - at['coverage']:.1%} leaves **{at['accuracy']:.2%}** of {n:,} photos right, 95% interval "
        f"{between(right, n)}, instead of {evaluation.accuracy:.2%} of all."
    )
    words = f"below {percent(at['least'])}" if n < len(evaluation) else "below 0%"
    st.button(f"The {len(evaluation) - n:,} it would refuse", key="door-refused", icon=":material/photo_library:",
              type="tertiary", on_click=choose_by_words, args=(words,), disabled=n == len(evaluation))  # fmt: skip
    st.plotly_chart(charts.coverage_figure(curve, share), key="coverage", config={"displayModeBar": False})


def _from_bars() -> None:
    if about := _clicked("reliability"):
        low, high, _ = about
        choose_by_words(f"at least {percent(low)}" + (f", below {percent(high)}" if high < 1 else ""))


def labels(suspect: pd.DataFrame, decided: Collection[str], row: int | None) -> pd.DataFrame:
    """The table of suspect labels, those of photos `decided` on left out, but for the open one, `row`: from there one
    goes on. Returns its rows."""
    done = suspect["path"].map(photo_key).isin(decided)
    more = f" {done.sum():,} more were decided on." if done.any() else ""
    suspect = suspect[~done | (suspect["index"] == row)]
    st.markdown(f"**{(~done).sum():,}** labels look wrong, the worst first.{more}")
    _table(suspect, "suspects", {
        "path": "Photo", "label": "Label", "predicted": "Perhaps",
        "score": st.column_config.NumberColumn("Belief in the label", format="percent"),
    })  # fmt: skip
    st.caption(
        "By confident learning: from how sure the model usually is of each class it is estimated how many labels are "
        "wrong, and so many, the least believed, are listed. A place to look, not a verdict: it may be the model that "
        "errs. Tick a row to open its photo."
    )
    return suspect


def oddities(found: dict[str, pd.DataFrame], places: dict[str, int], keep: np.ndarray) -> pd.DataFrame:
    """Choose one kind of oddity, and see its table; returns its rows, which `index` places among the photos.

    `found`: kind → rows with path and label, perhaps split and group, the worst first; those not in `places` are of
    another split than is looked at. `keep`, bool (photos), are those that pass the filters.
    """
    here = {kind: rows.assign(index=rows["path"].map(places)).dropna(subset=["index"]) for kind, rows in found.items()}
    here = {kind: rows.astype({"index": int}) for kind, rows in here.items()}
    if not here:
        st.info("No photo stands out: none is unlike the others, dark, blurred, of odd size or there twice.")
        return pd.DataFrame({"index": np.array([], int)})
    if st.session_state.get("odd") not in (None, *here):  # of the photos looked at before
        del st.session_state["odd"]
    linked = st.query_params.get("odd")
    kind = st.selectbox("What is odd", here, index=list(here).index(linked) if linked in here else 0, key="odd",
                        on_change=first_page, format_func=lambda kind: f"{kind}: {_count(here[kind])}")  # fmt: skip
    st.query_params["odd"] = kind  # by hand: bound, the address would hold the count as well
    rows, elsewhere = here[kind][keep[here[kind]["index"]]], len(found[kind]) - len(here[kind])
    more = f" Besides, {elsewhere:,} in other splits: switch to all photos." if elsewhere else ""
    st.markdown(f"**{len(rows):,}** here. {ODD[kind]}{more}")
    names = {"path": "Photo", "label": "Label", "split": "Split", "group": "Group", "score": "Score"}
    columns = {name: title for name, title in names.items() if name in rows}
    if "score" in columns:
        columns["score"] = st.column_config.NumberColumn("Score", format="%.2f")
    if len(rows):
        _table(rows.assign(group=rows["group"] + 1) if "group" in rows else rows, "oddities", columns)
        st.caption("Tick a row to open its photo.")
    return rows


def _count(rows: pd.DataFrame) -> str:
    if "group" not in rows:
        return f"{len(rows):,}"
    n = rows["group"].nunique()
    return f"{n:,} group" + "s" * (n != 1)


def embedding_map(evaluation: Evaluation, evidence: Explanations) -> np.ndarray:
    """All photos of `evaluation` where the network sees them. bool (photos): those in the area that was drawn, or all.

    The area stays in the address, as `area=x,y;x,y;…`.
    """
    by = st.segmented_control("Colour by", list(MAP), key="map-by", default="label", required=True,
                              bind="query-params", label_visibility="collapsed")  # fmt: skip
    places = np.array([evidence.places.get(path, -1) for path in evaluation.photos["path"]])
    points = np.where(places[:, None] >= 0, evidence.embeddings[places][:, :2].astype(np.float32), np.nan)
    names = np.array(evaluation.classes, dtype=object)
    groups = {
        "label": names[evaluation.truth], "prediction": names[evaluation.predicted],
        "error": np.where(evaluation.right, "right", "wrong"),
        "split": np.where(places >= 0, evidence.photos["split"].to_numpy()[places], "unknown"),
    }[by]  # fmt: skip
    area = _area()
    figure = charts.map_figure(points, groups, evaluation.photos["path"].tolist(), area)
    st.plotly_chart(figure, key="map", on_select=_from_map, selection_mode=("lasso", "box"),
                    config={"scrollZoom": True, "displaylogo": False})  # fmt: skip
    st.caption("The two widest directions of the embedding (PCA): near photos look alike to the network. Draw around "
               "some to see them; a legend's entry hides and shows its photos.")  # fmt: skip
    if area is None:
        return np.ones(len(evaluation), bool)
    st.button("Clear the drawn area", key="area-clear", icon=":material/close:", on_click=clear_area)
    from skimage.measure import points_in_poly

    return points_in_poly(points, area)


def _area() -> np.ndarray | None:
    """The corners (m, 2) of the drawn area, as the address has it."""
    try:
        corners = [[float(value) for value in corner.split(",")] for corner in st.query_params["area"].split(";")]
        area = np.array(corners)
        return area if area.ndim == 2 and area.shape[0] > 2 and area.shape[1] == 2 and np.isfinite(area).all() else None
    except (KeyError, ValueError):
        return None


def _from_map() -> None:
    chosen = st.session_state["map"].selection
    if shapes := [*chosen.lasso, *chosen.box]:
        x, y = shapes[0]["x"], shapes[0]["y"]
        if len(x) == 2:  # a box gives two corners of four
            x, y = [x[0], x[1], x[1], x[0]], [y[0], y[0], y[1], y[1]]
        few = np.unique(np.linspace(0, len(x) - 1, min(len(x), CORNERS)).astype(int))
        st.query_params["area"] = ";".join(f"{x[place]:.4g},{y[place]:.4g}" for place in few)
        first_page()


def clear_area() -> None:
    """What was drawn goes, and the photos begin again: on another model's map the same place is another."""
    st.query_params.pop("area", None)
    first_page()


def replay(epochs: list[int], curves: pd.DataFrame) -> int:
    """When each class was learned: its recall on the validation photos after each epoch. Returns the chosen epoch.

    `curves`: epochs × classes.
    """
    if len(epochs) == 1:
        return epochs[0]
    epoch = st.select_slider("After epoch", epochs, value=epochs[-1], key="epoch", bind="query-params",
                             on_change=first_page)  # fmt: skip
    st.plotly_chart(charts.learned_figure(curves, epoch), key="learned", selection_mode="points",
                    on_select=partial(_from_learned, list(curves)), config={"displayModeBar": False})  # fmt: skip
    st.caption("Share of each class's validation photos that were right after each epoch. Move the slider, or click a "
               "point to see the photos behind it.")  # fmt: skip
    return epoch


def _from_learned(names: list[str]) -> None:
    if about := _clicked("learned"):
        st.session_state["epoch"] = int(about[0])
        choose(true=names[int(about[1])])


def lane(along: pd.DataFrame, right: np.ndarray) -> pd.DataFrame:
    """The chart of all photos along lightness, and the table of those to look at; returns its rows.

    `along` are rows of `lane.table`; `right`, bool (photos), is the colour's part of right answers.
    """
    st.plotly_chart(charts.colour_figure(along, right[along["index"]]), key="strip", selection_mode="points",
                    on_select=_from_strip, config={"displayModeBar": False})  # fmt: skip
    st.caption("Measured lightness of the garment, by the colour of its label. Click a point to open its photo.")
    only = st.toggle("Only where pixels and label disagree", key="contradicted", bind="query-params")
    shown = along[along["contradicted"]] if only else along[~right[along["index"]] | along["contradicted"]]
    what = (
        "the label says one colour, the pixels another" if only else "colour mistakes, and labels at odds with pixels"
    )
    st.markdown(f"**{len(shown):,}** photos, the darkest first: {what}.")
    _table(shown, "lane", {
        "path": st.column_config.TextColumn("Photo", width=150),
        "label": st.column_config.TextColumn("Label", width=90),
        "predicted": st.column_config.TextColumn("Predicted", width=90),
        "pixels": st.column_config.TextColumn("Pixels say", width=70),
        "contradicted": st.column_config.CheckboxColumn("At odds", width=60),
        "lightness": st.column_config.NumberColumn("Light", format="%.0f", width=50),
        "chroma": st.column_config.NumberColumn("Chroma", format="%.0f", width=60),
        "agreement": st.column_config.NumberColumn("Agreement", format="percent", width=80),
        "hue": st.column_config.NumberColumn("Hue", format="%.0f°", width=50),
    })  # fmt: skip
    st.caption(
        f"Pixels say what most of the {NEIGHBOURS} training photos of the most similar measured colour are labelled; "
        f"at odds: {SURE:.0%} of them agree on another colour than the label. Tick a row to open its photo."
    )
    return shown


def _from_strip() -> None:
    if about := _clicked("strip"):
        open_photo(int(about[0]))


def _clicked(chart: str) -> list | None:
    """The customdata of the point just clicked in this Plotly chart: numbers come back as a dict by place, values of
    several kinds as a list."""
    points = st.session_state[chart].selection.points
    if not points:
        return None
    about = points[0]["customdata"]
    return list(about.values() if hasattr(about, "values") else about)


def _table(rows: pd.DataFrame, key: str, columns: dict) -> None:
    """`rows` as a table of these columns; a ticked row opens its photo.

    A tick is a place, and Streamlit keeps it when other rows come: so other rows are another table.
    """
    indexes = rows["index"].to_numpy(np.int64)
    name = f"{photo_key}-{zlib.crc32(indexes.tobytes())}"
    st.dataframe(rows[list(columns)], hide_index=True, key=name, on_select=partial(_from_table, name, indexes),
                 placeholder="", selection_mode="single-row", height=min(35 * len(rows) + 38, 460),
                 column_config=columns)  # fmt: skip


def _from_table(name: str, indexes: np.ndarray) -> None:
    place = pressed(name, st.session_state[name].selection.rows)
    if place is not None:
        open_photo(int(indexes[place]))
