"""The Evaluate page as tests open and read it."""

from pathlib import Path

import numpy as np
import pandas as pd
from browser import ROOT
from evaluations import SPACE, eight, publish
from PIL import Image
from streamlit.testing.v1 import AppTest

from fashion_core.evaluation.explanations import FILE, Explanations


def opened(**query: str) -> AppTest:
    """The page as it first appears at this address."""
    app = AppTest.from_file(ROOT / "pages/evaluate.py", default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def words(app: AppTest) -> str:
    return "\n".join(element.value for kind in (app.markdown, app.caption) for element in kind)


def figure(app: AppTest, name: str) -> str:
    """A number of the headline, as its button says it."""
    return app.button(key=f"select-{name}").label.split("**")[1]


def tiles(app: AppTest) -> list[str]:
    """The file behind each tile of the gallery, as its caption's last line tells."""
    captions = (caption.value for caption in app.caption)
    return [text.rsplit("\n", 1)[-1].replace("\\", "") for text in captions if "wrong]" in text or "right]" in text]


def eight_explained(home, root) -> Path:
    """`root` with eight test photos by hand and two training photos, of a model with its explanations."""
    publish(home, eight(root))
    with_explanations(home, root)
    return root


def with_explanations(home, root, name: str = "by-hand") -> None:
    """Explanations of the eight photos, and of two training photos that are drawn beside them."""
    evaluation = eight(root)
    trained = [("coat", "coat/t0.jpg"), ("hat", "hat/t1.jpg")]
    for _, path in trained:
        Image.new("RGB", (60, 80), "navy").save(root / path)
    photos = evaluation.photos.assign(split="test", group=-1).to_dict("records")
    photos += [{"path": path, "label": label, "split": "train", "group": -1} for label, path in trained]
    photos[2]["group"] = photos[8]["group"] = 0  # coat/2.jpg is nearly coat/t0.jpg
    table = pd.DataFrame(photos, dtype=object).astype({"group": int})
    angles = np.linspace(0, 1.5, 10)
    embeddings = np.stack([np.cos(angles), np.sin(angles)], 1)
    colours = np.tile([20.0, 12.0, 280.0, 0.3], (10, 1))
    maps = np.random.default_rng(0).normal(size=(8, 3, 2, 2))
    Explanations(evaluation.classes, table, embeddings, colours, *SPACE, maps).save(home / "weights" / name / FILE)
