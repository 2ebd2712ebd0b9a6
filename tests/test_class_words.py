"""Class names are words on every page: "blue shoes" in titles, captions, lists, tables and charts, never blue_shoes.

The folder's name stays in addresses, in the files that are saved, in paths of photos, and where the pointer rests.
"""

import re
from collections.abc import Iterable, Iterator

import datasets
import pytest
from browser import ROOT
from evaluate_page import opened
from evaluations import five, publish
from google.protobuf.message import Message
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block

from fashion_core.models.registry import models
from fashion_core.paper import CLASSES as PAPER

UNSEEN = {"id", "key", "user_key", "url", "query_param_key", "form_id", "default"}  # of what a page sends to a browser
SHOWN_MODELS = [
    ("home", {}),
    ("predict", {}),
    ("predict", {"view": "Nine photos"}),
    ("compare", {}),
    ("data", {}),
    ("data", {"show": "Near-duplicates"}),
    ("train", {}),
    ("evaluate", {"true": "blue shirt", "which": "wrong"}),
    ("evaluate", {"q": "blue dresses called black"}),
    *(("evaluate", {"view": view}) for view in ("Report", "Confidence", "Labels", "Colours", "Oddities", "Map")),
    ("evaluate", {"of": "test", "view": "Colours"}),
]


def texts(message: Message) -> Iterator[str]:
    """Every text of an element, but for ids and addresses."""
    for field, value in message.ListFields():
        if field.name in UNSEEN:
            continue
        for one in [value] if isinstance(value, Message | str) or not isinstance(value, Iterable) else value:
            if isinstance(one, Message):
                yield from texts(one)
            elif isinstance(one, str):
                yield one


def visible(block: Block) -> Iterator[str]:
    """Every text of a page, what lists offer and tables hold among it."""
    for each in block.children.values():
        if isinstance(each, Block):
            if isinstance(each.proto, Message):
                yield from texts(each.proto)
            yield from visible(each)
        elif each.type == "arrow_data_frame":
            yield from map(str, each.value.columns)
            yield from each.value.select_dtypes(exclude="number").astype(str).to_numpy().ravel()
        else:
            yield from texts(each.proto)


def folder_names(app: AppTest, classes: set[str]) -> list[str]:
    """The texts of a page that write one of `classes` with its underscore, other than in a path or on hover."""
    name = re.compile(rf"(?<![\w/])(?:{'|'.join(sorted(classes))})(?![\w/])")
    plain = (re.sub(r' title="[^"]*"', "", text.replace("\\", "")) for text in visible(app._tree.main))
    return [text[:300] for text in plain if name.search(text)]


@pytest.mark.parametrize(("page", "query"), SHOWN_MODELS)
def test_no_page_writes_a_class_as_its_folder(home, page, query):
    (home / "weights").symlink_to(ROOT / "weights", target_is_directory=True)
    classes = {name for ref in models() for name in ref.card.classes if "_" in name} | set(PAPER)
    app = AppTest.from_file(ROOT / f"pages/{page}.py", default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception and len(list(visible(app._tree.main))) > 10
    assert folder_names(app, classes) == []


def test_first_steps_write_no_class_as_its_folder(home):
    app = AppTest.from_file(ROOT / "pages/home.py", default_timeout=60).run()
    assert "blue shoes" in " ".join(visible(app._tree.main)) and folder_names(app, set(PAPER)) == []


def test_a_name_that_slips_through_is_seen():
    def page():
        import streamlit as st

        st.selectbox("Class", ["blue_shoes", "black_hat"], key="true")
        st.caption("blue_shoes/3.jpg")

    assert folder_names(AppTest.from_function(page).run(), {"blue_shoes"}) == ["blue_shoes"]


def test_lists_of_classes_have_words_and_links_with_folder_names_still_open(home):
    publish(home, five())
    for link in ("blue_sock", "blue sock"):
        app = opened(true=link, predicted="black_hat")
        assert app.selectbox(key="true").options == ["black hat", "black sock", "blue hat", "blue sock"]
        assert (app.selectbox(key="true").value, app.selectbox(key="predicted").value) == ("blue_sock", "black_hat")
        assert app.query_params["true"] in ("blue sock", ["blue sock"]), "the address says it in words from then on"
        app.selectbox(key="true").select("black_hat").run()
        assert app.selectbox(key="true").value == "black_hat", "the link is followed once"
        app.segmented_control(key="by").set_value("colour").run()
        assert app.selectbox(key="true").value == "black"


def test_a_folder_of_photos_has_words_too(home, tmp_path):
    photos = datasets.colours(tmp_path / "photos", per_class=4)
    app = AppTest.from_file(ROOT / "pages/data.py", default_timeout=60)
    app.query_params["folder"], app.query_params["class"] = str(photos), "red_hat"
    app.run()
    assert app.selectbox(key="class").options == ["green sock", "red hat", "white glove"]
    assert app.selectbox(key="class").value == "red_hat" and not app.exception
    assert folder_names(app, {"green_sock", "red_hat", "white_glove"}) == []
    assert "red hat, train" in " ".join(visible(app._tree.main))
