"""What people read is true: commands and options exist, settings are explained, numbers are those of the presets."""

import re
import shlex
from dataclasses import fields
from pathlib import Path

import pytest
from browser import ROOT

from fashion_core.cli.parser import parser
from fashion_core.runs.config import PRESETS, TrainConfig

PROSE = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "weights").glob("*/README.md"))]
CODE = sorted(file for folder in ("fashion_core", "pages") for file in (ROOT / folder).rglob("*.py"))
PREFIX = r"(?:python -m fashion_core|busana) "
NUMBER = re.compile(r"^(N|S|K|SEED|\.\.\.)$")  # how usage writes a number


def commands(text: str) -> list[str]:
    """What follows `python -m fashion_core` on lines of their own in `text`, without what explains it.

    A line that ends in a backslash goes on, and so does one of usage where the next begins with an option.
    """
    text = re.sub(r"\n {20,}(?=\[)", " ", re.sub(r"\\\n\s*", " ", text))
    found = re.findall(rf"^\s*{PREFIX}([^`{{\n]+)$", text, re.MULTILINE)
    return [re.split(r"\s{2,}|\s#", line)[0] for line in found]


def mentions(text: str) -> list[str]:
    """The same within backquotes: there a sentence may leave arguments out."""
    return [" ".join(found.split()) for found in re.findall(rf"`{PREFIX}([^`{{]+)`", text)]


def arguments(usage: str) -> list[str]:
    """A line of usage as someone would type it: the first of alternatives, options that may be left out given, numbers
    for their letters."""
    words = shlex.split(re.sub(r"[\[\]]|\s?…", " ", usage))
    return ["1" if NUMBER.match(word) else word.split("|")[0] for word in words]


def known() -> dict[str, list[str]]:
    """Command, or another name of it → its options."""
    (action,) = [action for action in parser()._actions if action.choices]
    return {name: [o for a in sub._actions for o in a.option_strings if o not in ("-h", "--help")]
            for name, sub in action.choices.items()}  # fmt: skip


def test_usage_is_read_as_someone_would_type_it():
    text = "x `python -m fashion_core check\nDIR`\n    python -m fashion_core tag A [--b N]    why\n"
    assert mentions(text) == ["check DIR"] and commands(text) == ["tag A [--b N]"]
    assert arguments("fetch paper|clothing OUT [--top K] FILE…") == ["fetch", "paper", "OUT", "--top", "1", "FILE"]


@pytest.mark.parametrize("file", [*PROSE, *CODE], ids=lambda file: str(file.relative_to(ROOT)))
def test_every_command_that_is_written_down_is_accepted(file: Path, capsys):
    text = file.read_text()
    whole = commands(text)
    for usage in [*whole, *mentions(text)]:
        if usage.startswith("COMMAND"):
            continue
        try:
            _, unknown = parser().parse_known_args(arguments(usage))
            assert not unknown or usage.startswith("app"), f"{file.name} says: {usage}"  # app hands them to streamlit
        except SystemExit:
            why = capsys.readouterr().err
            if usage in whole or "arguments are required" not in why:
                pytest.fail(f"{file.name} says: {usage}\n{why}")


def test_the_readme_lists_every_command_with_every_option():
    listed = {usage.split()[0]: usage for usage in commands((ROOT / "README.md").read_text())}
    readme = (ROOT / "README.md").read_text()
    for name, options in known().items():
        if name not in listed:  # another name of a command that is listed
            assert f"(also: {name})" in readme, name
            continue
        given = set(re.findall(r"--[\w-]+", listed[name]))
        assert set(options) - given == set(), name


def first_column(table: str) -> list[str]:
    return [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")][1:]


def section(name: str) -> str:
    text = (ROOT / "docs" / "recipes.md").read_text()
    return re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)[1]


def test_every_setting_is_explained_and_no_other():
    keys = [key for cell in first_column(section("Settings")) for key in re.findall(r"`(\w+)`", cell)]
    expected = {field.name for field in fields(TrainConfig)} - {"preset"}  # --preset names it
    assert sorted(keys) == sorted(expected)


def test_the_numbers_that_recipes_names_are_those_of_the_presets():
    text = " ".join(section("Presets").split())
    paper, best, quick, frozen = (PRESETS[name] for name in ("paper", "best", "quick", "frozen"))
    assert f"photos resized to {paper.image_size} × {paper.image_size}, SGD" in text
    assert f"StepLR, {paper.epochs} epochs" in text
    assert (
        f"learning rate {paper.learning_rate:g}, momentum {paper.momentum:g}, step size {paper.step_size}, "
        f"gamma {paper.gamma:g}; and batch {paper.batch_size}" in text
    )
    assert (paper.optimizer, paper.schedule, paper.pretrained) == ("sgd", "step", "imagenet")
    assert first_column(section("Presets")) == [
        f"warm-up of {best.warmup_epochs:g} epoch, then half a cosine",
        f"`head_learning_rate` {best.head_learning_rate:g}",
        f"crops of {100 * best.crop_scale:.0f}–100% of the area, flips",
        f"label smoothing {best.label_smoothing:g}",
        f"moving average of weights, {best.ema_decay:g}",
        f"weight decay {best.weight_decay:.0e}, none on biases and norms".replace("e-0", "e-"),
    ]
    assert best.flip and best.schedule == "cosine"
    assert f"ResNet-18 at {quick.image_size} px from random weights" in text
    assert (quick.architecture, quick.pretrained) == ("resnet18", "none")
    assert f"EfficientNet-Lite0 from ImageNet at {frozen.image_size} px" in text and frozen.frozen
    assert f"for {frozen.epochs} epochs of AdamW, learning rate {frozen.learning_rate:g}" in text
    assert (frozen.architecture, frozen.pretrained, frozen.optimizer) == ("efficientnet_lite0", "imagenet", "adamw")


def test_label_issues_answers_to_its_old_name_too():
    new, old = (parser().parse_args([name, "RUN", "--all", "--json"]) for name in ("label-issues", "suspects"))
    assert vars(new) == vars(old)
