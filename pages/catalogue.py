"""Catalogue: many photos that `tag` answered: sort, filter, review the unsure, correct, find similar, take along."""

import streamlit as st

from fashion_core import UserError, access
from fashion_core.access import Action
from fashion_core.models import tagged as tags
from fashion_core.models.tagged import Tagged
from fashion_core.ui import catalogue, keys
from fashion_core.ui.boot import boot, guard
from fashion_core.ui.class_list import class_list
from fashion_core.ui.gallery import escape_markdown
from fashion_core.ui.stored import mtime

COMMAND = "python -m fashion_core tag MODEL DIR --out catalogues/shop.parquet"


def receive() -> None:
    """Keep a file that was handed in, once it proves to be one."""
    file = st.session_state[keys.CATALOGUE_FILE]
    if file is None:
        return
    try:
        access.require(Action.GET_PHOTOS)
        name = tags.receive(file.name, file.getvalue())
    except UserError as mistake:
        catalogue.tell(mistake)
    else:
        st.session_state[keys.CATALOGUE] = name


def choose() -> Tagged:
    """The catalogue to show; where there is none, how to make one."""
    catalogue.show_problem()
    files, asked = tags.files(), st.query_params.get(keys.CATALOGUE)
    if not files:
        st.info("A catalogue is a file with what a model says of many photos. There is none in catalogues/ yet: make "
                "one with the command below, or open one from elsewhere.", icon=":material/grid_view:")  # fmt: skip
        hand_in()
        st.stop()
    name = st.selectbox("Catalogue", files, key=keys.CATALOGUE, bind="query-params",
                        on_change=catalogue.open_photo, args=(None,))  # fmt: skip
    if asked and asked not in files:
        st.warning(f"There is no catalogue called {escape_markdown(asked)} here: this is {escape_markdown(name)}.",
                   icon=":material/warning:")  # fmt: skip
    return catalogue.opened(files[name], mtime(files[name]))


def hand_in() -> None:
    st.code(COMMAND, language="bash")
    st.file_uploader("Or open a file that tag wrote elsewhere", "parquet", key=keys.CATALOGUE_FILE, on_change=receive)


boot("Catalogue")
st.title("Catalogue")
with guard():
    shop = choose()
    rows = shop.rows
readable = rows["label"].notna()
if not catalogue.photos_are_here(shop):
    st.warning(f"The photos of this catalogue, {escape_markdown(catalogue.source_name(shop))}, are not on this "
               "machine: put them in data/ under this name to see them.", icon=":material/hide_image:")  # fmt: skip
with st.grid(3, min_column_width=170, gap="small"):
    show = st.selectbox("Show", catalogue.SHOW, format_func=catalogue.SHOW.__getitem__, key=keys.CATALOGUE_SHOW,
                        bind="query-params")  # fmt: skip
    label = class_list("Label", shop.classes, key=keys.CATALOGUE_LABEL, placeholder="any")
    sort = st.selectbox("Sort", catalogue.SORT, format_func=catalogue.SORT.__getitem__, key=keys.CATALOGUE_SORT,
                        bind="query-params")  # fmt: skip
found = catalogue.chosen_rows(rows, show, label, sort)
with st.container():
    place = catalogue.asked_photo(shop)
    if place is not None:
        with guard():
            catalogue.one_photo(shop, rows, place, found.index.tolist() if show != "unreadable" else [])
        st.divider()
with st.container(horizontal=True, vertical_alignment="center"):
    waiting = len(catalogue.chosen_rows(rows, "review", None, "file"))
    st.markdown(f"**{len(found):,}** of {len(rows):,} files · {waiting:,} to review · "
                f"{int((~readable).sum()):,} unreadable · "
                f"answered by {escape_markdown(shop.about['model'])}")  # fmt: skip
    catalogue.downloads(found, shop)
if show == "unreadable":
    catalogue.problems(found)
elif len(found):
    pages = -(-len(found) // catalogue.PAGE)
    number = 1
    if pages > 1:
        number = min(st.pagination(pages, key=keys.page_number(keys.CATALOGUE_PHOTOS), bind="query-params"), pages)
    shown = found.iloc[(number - 1) * catalogue.PAGE : number * catalogue.PAGE]
    catalogue.tiles(shop, shown, keys.CATALOGUE_PHOTOS)
else:
    st.info("No photo fits: choose another label, or show all photos.", icon=":material/filter_alt_off:")
with st.expander("Make or open another catalogue", icon=":material/add:"):
    hand_in()
