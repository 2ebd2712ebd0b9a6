"""The form of a training recipe: a widget for each setting of a preset."""

from dataclasses import fields
from typing import Any

import streamlit as st

from fashion_core.runs import config
from fashion_core.ui import keys

ARCHITECTURES = [
    "resnet50", "resnet18", "mobilenet_v3_large", "mobilenet_v3_small", "efficientnet_b0", "efficientnet_lite0",
    "convnext_tiny", "vgg16", "googlenet",
]  # fmt: skip
OFTEN_CHANGED = ("architecture", "pretrained", "image_size", "epochs", "batch_size", "learning_rate")
FREE_CHOICES = {  # setting: (what the list offers, what else can be typed)
    "architecture": (ARCHITECTURES, "Any classifier of torchvision or timm: type its name"),
    "pretrained": (["imagenet", "none"], "imagenet, none, or type the path of a weights file"),
}
PATHS = {
    "extra": "Optional: a folder of more photos to train on. Empty for none.",
    "teacher": "Optional: a model to learn from (distillation), by name or folder. Empty for none.",
    "decisions": "Optional: a CSV of corrected labels. auto: the one beside the photos, if any. Empty for none.",
}


def recipe_form(preset: str) -> dict[str, Any] | None:
    """Draw the form, filled in with `preset`; returns name → value of all settings when it is sent, else None."""
    values = {}
    with st.form(keys.TRAIN_FORM, border=False):
        grid = st.grid(3, min_column_width=180, key=keys.settings("often"))
        for name in OFTEN_CHANGED:
            with grid.cell():
                values[name] = _widget(name, preset)
        with st.expander("Advanced"):
            rest = st.grid(4, min_column_width=160)
            for field in fields(config.TrainConfig):
                if field.name not in (*OFTEN_CHANGED, "preset"):
                    with rest.cell():
                        values[field.name] = _widget(field.name, preset)
        sent = st.form_submit_button("Start training", type="primary", icon=":material/play_arrow:")
    return values if sent else None


def _widget(name: str, preset: str) -> Any:
    """The widget for one setting, starting at the preset's value; returns what it holds."""
    value, key = getattr(config.PRESETS[preset], name), keys.setting(preset, name)
    title = name.replace("_", " ").capitalize()
    about = config.RANGES[name][2].capitalize() if name in config.RANGES else None
    if name in FREE_CHOICES:
        offered, more = FREE_CHOICES[name]
        return st.selectbox(title, offered, offered.index(value), key=key, accept_new_options=True, help=more)
    if name in config.CHOICES:
        return st.selectbox(title, config.CHOICES[name], config.CHOICES[name].index(value), key=key)
    if name in PATHS:
        return st.text_input(title, value, key=key, help=PATHS[name])
    if isinstance(value, bool):
        return st.toggle(title, value, key=key)
    if isinstance(value, int):
        return st.number_input(title, value=value, step=1, key=key, help=about)
    return st.number_input(title, value=value, format="%g", step=value / 10 or 0.01, key=key, help=about)
