"""Experiments: variants of one recipe, trained on the same photos, side by side in one table.

    python -m fashion_core compare DIR --what recipes --seeds 0 1 2 --out recipes.md

A run on disk with the settings and photos of a variant is its result, whoever started it: nothing is trained twice.
"""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fashion_core import UserError
from fashion_core.photos import label_corrections
from fashion_core.runs import DONE, Run, config
from fashion_core.runs.config import TrainConfig
from fashion_core.runs.run import resolved

Changes = Mapping[str, Any]
PATHS = ("pretrained", "extra", "decisions", "teacher")  # settings of which only the name is worth reading
HALF = "half"  # of the base's own image_size
# A variant is what it changes in the base; "preset" is another recipe to start from.
RECIPES: dict[str, Changes] = {
    "paper": {"preset": "paper"},
    "without-schedule": {"schedule": "constant"},
    "without-crops": {"crop_scale": 1.0},
    "without-flips": {"flip": False},
    "without-label-smoothing": {"label_smoothing": 0.0},
    "without-ema": {"ema_decay": 0.0},
    "without-pretraining": {"pretrained": "none"},
    "without-extra-photos": {"extra": ""},
    "without-mended-labels": {"decisions": ""},
    "half-size": {"image_size": HALF},
}
ARCHITECTURES: dict[str, Changes] = {
    name: {"architecture": name}
    for name in (
        "resnet50", "vgg16", "googlenet", "mobilenet_v3_large", "convnext_tiny", "efficientnet_lite0",
        "efficientnet_lite2", "resnet50_two_head", "resnet50_se",
    )
}  # fmt: skip
EXPERIMENTS = {"recipes": RECIPES, "architectures": ARCHITECTURES}
PAPERS_OWN = ("paper", "resnet50", "vgg16", "googlenet")  # its recipe and the networks that it names, next to the base


class Variant(NamedTuple):
    """One row to be: the experiment it belongs to, its name, and its recipe once per seed."""

    experiment: str
    name: str
    configs: tuple[TrainConfig, ...]


def plan(
    experiments: Sequence[str],
    preset: str = "best",
    given: Changes | None = None,
    seeds: Sequence[int] = (0,),
    only: Sequence[str] | None = None,
) -> list[Variant]:
    """The variants of `experiments` around the base `preset`; `only` names those that are wanted.

    `given` holds for every variant, but for the setting that a variant is about. UserError for a name that is none.
    """
    for key, instead in (("seed", "--seeds"), ("preset", "--preset")):
        if key in (given or {}):
            raise UserError(f"compare takes no {key} from --set: use {instead}.")
    everything = [
        Variant(experiment, name, tuple(recipe.changed({"seed": seed}) for seed in dict.fromkeys(seeds)))
        for experiment in experiments
        for name, recipe in variants(experiment, preset, given or {}).items()
    ]
    names = [variant.name for variant in everything]
    if unknown := [name for name in only or () if name not in names]:
        raise UserError(f"There is no variant {unknown[0]!r} here; choose from {', '.join(dict.fromkeys(names))}.")
    return [variant for variant in everything if not only or variant.name in only]


def variants(experiment: str, preset: str, given: Changes) -> dict[str, TrainConfig]:
    """Name → recipe. A variant that changes nothing in this base is left out: it would be the base again."""
    base = config.preset(preset).changed(dict(given))
    found = {preset: base} if experiment == "recipes" else {}
    for name, changes in EXPERIMENTS[experiment].items():
        start = config.preset(changes["preset"]).changed(dict(given)) if "preset" in changes else base
        values = {key: value for key, value in changes.items() if key != "preset"}
        if values.get("image_size") == HALF:
            values["image_size"] = max(config.RANGES["image_size"][0], base.image_size // 2)
        recipe = start.changed(values)
        if recipe not in found.values():
            found[name] = recipe
    return found


def changes(settings: Changes) -> dict[str, Any]:
    """Those of a recipe's `settings` in which it differs from the preset that it bears the name of."""
    usual = config.PRESETS.get(str(settings.get("preset")), TrainConfig()).as_dict()
    return {key: value for key, value in settings.items() if key != "preset" and value != usual.get(key)}


def title(settings: Changes) -> str:
    """A recipe in a few words: its preset and what was changed in it, as in "best, vgg16, flip=False"."""
    parts = [
        str(value) if key == "architecture" else f"{key}={(Path(value).name or 'none') if key in PATHS else value}"
        for key, value in changes(settings).items()
        if (key, value) != ("decisions", "")  # as usual where nobody decided
    ]
    return ", ".join([str(settings.get("preset", "no preset")), *parts])


def command(recipe: TrainConfig, dataset: Path, runs_dir: Path | None = None) -> str:
    """The `train` command that trains exactly this recipe, ready for a shell."""
    words = ["python", "-m", "fashion_core", "train", str(dataset), "--preset", recipe.preset]
    if changed := changes(recipe.as_dict()):
        words += ["--set", *(f"{key}={value if value != '' else 'none'}" for key, value in changed.items())]
    return shlex.join([*words, *(["--runs", str(runs_dir)] if runs_dir else [])])


def find(recipe: TrainConfig, dataset: Path, fingerprint: str, among: Iterable[Run]) -> Run | None:
    """The run of exactly this recipe on exactly these photos and split: a tested one, else one to go on with.

    Tested runs are known by the photos' fingerprint, so those brought here from another machine count; one to go on
    with must also read the same folder.
    """
    recipe, unfinished = resolved(recipe, dataset), None
    for run in among:
        if run.problem or _recipe_of(run) != recipe or not _decided_alike(run, recipe):
            continue
        photos, state = _fingerprint(run), run.state
        if photos == fingerprint and state in DONE and run.model_folder:
            return run
        if (
            photos in (fingerprint, None)
            and run.dataset == dataset.resolve()
            and state in ("stopped", "crashed", "failed")
        ):
            unfinished = unfinished or run
    return unfinished


def _recipe_of(run: Run) -> TrainConfig | None:
    """The one recipe that it was trained by; None where it was changed on the way."""
    return None if run.record.history else resolved(run.config, run.dataset)


def _decided_alike(run: Run, recipe: TrainConfig) -> bool:
    """Whether it learned from the decisions that `recipe` would learn from now; an old run kept no copy of its own."""
    kept = run.folder / label_corrections.COPY
    return not kept.exists() or label_corrections.read(kept) == label_corrections.load_or_empty(recipe.decisions)


def _fingerprint(run: Run) -> str | None:
    """Of the photos that it last started on; None where it never came so far."""
    starts = [event for event in run.events() if event["type"] == "start"]
    return starts[-1].get("fingerprint") if starts else None
