"""One training recipe: a frozen dataclass, its checks, the presets and the learning-rate arithmetic.

`python -m fashion_core train DIR --preset quick --set epochs=3 learning_rate=0.02`
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from fashion_core import UserError

CHOICES = {
    "optimizer": ("sgd", "adamw"),
    "schedule": ("step", "cosine", "constant"),
    "precision": ("auto", "float32", "bfloat16"),
    "device": ("auto", "cpu", "cuda", "mps"),
}
RANGES = {  # inclusive; (low, high, what the number is)
    "image_size": (32, 1024, "the side of the square photo in pixels"),
    "epochs": (1, 1000, "whole passes over the training photos"),
    "batch_size": (1, 4096, "photos per step"),
    "learning_rate": (1e-7, 10.0, "the peak learning rate"),
    "head_learning_rate": (0.1, 100.0, "how many times faster the new last layer learns"),
    "momentum": (0.0, 0.999, "SGD's momentum"),
    "weight_decay": (0.0, 1.0, "L2 penalty on weights"),
    "step_size": (1, 1000, "epochs between StepLR's drops"),
    "gamma": (0.001, 1.0, "StepLR's factor at a drop"),
    "warmup_epochs": (0.0, 100.0, "epochs in which the rate climbs from zero"),
    "label_smoothing": (0.0, 0.5, "share of the target spread over the other classes"),
    "ema_decay": (0.0, 0.99999, "moving average of the weights, 0 is off"),
    "crop_scale": (0.05, 1.0, "smallest area a random crop may keep, 1 is off"),
    "seed": (0, 2**31 - 1, "the seed of everything random in training"),
    "test_image_size": (0, 1024, "the side of the square photo in test and prediction, 0 is image_size"),
    "teacher_share": (0.0, 1.0, "share of the target that is the teacher's answer"),
    "split_seed": (0, 2**31 - 1, "the seed that divides the photos, so that runs with other seeds share a test"),
}


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides a training run, apart from the photos.

    The defaults are the paper's recipe. It leaves learning rate, batch size, momentum, step and gamma out; those here
    are the ones of PyTorch's transfer-learning tutorial (0.001, 0.9, 7, 0.1), which the paper's description follows
    step by step, with the common batch of 32. They are assumptions, and docs/recipes.md says so.
    """

    preset: str = "paper"
    architecture: str = "resnet50"  # any classifier of torchvision or timm
    pretrained: str = "imagenet"  # "imagenet", "none", or the path of a weights file
    image_size: int = 224
    epochs: int = 10
    batch_size: int = 32
    optimizer: str = "sgd"
    learning_rate: float = 0.001
    head_learning_rate: float = 1.0
    momentum: float = 0.9
    weight_decay: float = 0.0
    schedule: str = "step"
    step_size: int = 7
    gamma: float = 0.1
    warmup_epochs: float = 0.0
    label_smoothing: float = 0.0
    ema_decay: float = 0.0
    crop_scale: float = 1.0
    flip: bool = False
    frozen: bool = False  # the body does not learn: embeddings once, then the last layer alone
    seed: int = 0
    extra: str = ""  # a folder of more photos to train on: of a class, or of a garment or colour alone
    outlier_exposure: bool = False  # extra photos of no class, colour or garment here are learned as none of them
    decisions: str = "auto"  # a CSV of photo and right label; "auto" is the one next to the photos, empty is none
    split_seed: int = 0
    split_groups: bool = True  # near-duplicates on one side; off is the usual split, whose test leaks
    all_pairs: bool = False  # name every colour with every garment, also pairs without a photo; for two heads
    teacher: str = ""  # a model whose answers to the training photos are learned too
    teacher_share: float = 0.5
    test_image_size: int = 0
    flip_at_test: bool = False  # answer with the mean class scores of the photo and its mirror image
    precision: str = "auto"
    device: str = "auto"

    def __post_init__(self) -> None:
        for name, (low, high, meaning) in RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise UserError(
                    f"{name} is {meaning}: give a number from {low:g} to {high:g}, not {getattr(self, name):g}."
                )
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise UserError(f"{name} must be one of {', '.join(allowed)}, not {getattr(self, name)!r}.")
        smallest = RANGES["image_size"][0]
        if 0 < self.test_image_size < smallest:
            raise UserError(
                f"test_image_size must be 0, for image_size, or at least {smallest}, not {self.test_image_size}."
            )
        if self.frozen and self.crop_scale < 1:
            raise UserError(
                "frozen computes each photo's embedding once, so photos cannot be cropped at random: set crop_scale=1, "
                "or frozen=false."
            )
        if not self.architecture.isidentifier():
            raise UserError(
                f"architecture must be a model name of torchvision or timm such as resnet50, not {self.architecture!r}."
            )

    def changed(self, values: dict[str, Any]) -> "TrainConfig":
        """A copy with `values` set; text is read as the field's type. Raises UserError for a bad name or value."""
        types = {field.name: type(field.default) for field in fields(self)}
        for name in values:
            if name not in types:
                raise UserError(f"There is no setting {name!r}; choose from {', '.join(types)}.")
        return replace(self, **{name: _read(name, value, types[name]) for name, value in values.items()})

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)


def _read(name: str, value: Any, kind: type) -> Any:
    """`value` as `kind`, or a sentence that says what the setting takes."""
    text = str(value).strip()
    if name == "pretrained" and text.lower() in ("true", "yes", "false", "no", "0", "1"):
        return "imagenet" if text.lower() in ("true", "yes", "1") else "none"
    if name in ("extra", "decisions", "teacher") and text.lower() == "none":
        return ""
    if kind is bool:
        if text.lower() not in ("true", "false", "yes", "no", "1", "0"):
            raise UserError(f"{name} is a switch: give true or false, not {text!r}.")
        return text.lower() in ("true", "yes", "1")
    try:
        number = kind(text)
    except ValueError:
        wanted = "a whole number" if kind is int else "a number"
        raise UserError(f"{name} takes {wanted}, not {text!r}.") from None
    if kind is float and not math.isfinite(number):
        raise UserError(f"{name} takes a finite number, not {text!r}.")
    return number


def migrate(settings: Mapping[str, Any]) -> TrainConfig:
    """The recipe in a config.json of this or an earlier version; a setting that did not exist then gets what held then.

    Raises UserError that names settings of which this version does not know, and for values that cannot be.
    """
    if not isinstance(settings, Mapping):
        raise UserError("the recipe is no table of settings: start a new run.")
    known = [field.name for field in fields(TrainConfig)]
    if unknown := [str(name) for name in settings if name not in known]:
        raise UserError(
            f"this version does not know the settings {', '.join(unknown)}: open the run with the version that wrote "
            "it, or start a new run."
        )
    # The split was drawn with the run's own seed, near-duplicates were kept together, and nobody had decided on labels.
    before = {"split_seed": settings.get("seed", 0), "split_groups": True, "extra": "", "decisions": ""}
    return TrainConfig().changed(before | dict(settings))


def predict_size(settings: Mapping[str, Any]) -> int:
    """The side in pixels of the square photos that test and prediction take, by a recipe as plain values."""
    return settings.get("test_image_size") or settings["image_size"]


# Reasons and sources for each value: docs/recipes.md.
PRESETS: dict[str, TrainConfig] = {
    "paper": TrainConfig(),
    "best": TrainConfig(
        preset="best",
        epochs=20,
        batch_size=64,
        learning_rate=0.02,
        head_learning_rate=10.0,
        weight_decay=1e-4,
        schedule="cosine",
        warmup_epochs=1.0,
        label_smoothing=0.1,
        ema_decay=0.99,
        crop_scale=0.5,
        flip=True,
    ),
    "quick": TrainConfig(
        preset="quick",
        architecture="resnet18",
        pretrained="none",
        image_size=80,
        epochs=12,
        batch_size=32,
        learning_rate=0.03,
        weight_decay=5e-4,
        schedule="cosine",
        warmup_epochs=1.0,
        label_smoothing=0.05,
        ema_decay=0.99,
        crop_scale=0.75,
        flip=True,
    ),
    "frozen": TrainConfig(
        preset="frozen",
        architecture="efficientnet_lite0",
        epochs=40,
        batch_size=64,
        optimizer="adamw",
        learning_rate=0.002,
        weight_decay=0.1,
        schedule="cosine",
        frozen=True,
    ),
}


def preset(name: str) -> TrainConfig:
    """The preset called `name`, or a sentence that lists them."""
    if name not in PRESETS:
        raise UserError(f"There is no preset {name!r}; choose from {', '.join(PRESETS)}.")
    return PRESETS[name]


def learning_rate_at(config: TrainConfig, step: int, steps_per_epoch: int) -> float:
    """The learning rate of iteration `step` (from 0): linear warm-up, then StepLR, half a cosine, or constant."""
    epoch = step / steps_per_epoch
    warmup = min(config.warmup_epochs, config.epochs / 2)  # a run shortened to one epoch still gets to learn
    if epoch < warmup:
        return config.learning_rate * (step + 1) / math.ceil(warmup * steps_per_epoch)
    if config.schedule == "step":
        return config.learning_rate * config.gamma ** (int(epoch) // config.step_size)
    if config.schedule == "cosine":
        done = (epoch - warmup) / (config.epochs - warmup)
        return config.learning_rate * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
    return config.learning_rate
