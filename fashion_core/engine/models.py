"""Any torchvision classifier by name, its head replaced, its ImageNet weights from torchvision or from a file."""

import hashlib
import os
import socket
from pathlib import Path
from urllib.error import URLError

import torch
from safetensors.torch import load_file
from torch import nn
from torchvision import models as zoo

from fashion_core import UserError

MEAN, STD = (
    (0.485, 0.456, 0.406),
    (0.229, 0.224, 0.225),
)  # ImageNet's, of RGB in 0..1; torchvision's weights expect them
IMAGENET_CLASSES = 1000


class Normalise(nn.Module):
    """uint8 photos (n, height, width, 3) → normalised float32 (n, 3, height, width). Part of every exported graph."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1) * 255, persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1) * 255, persistent=False)

    def forward(self, photos: torch.Tensor) -> torch.Tensor:
        return (photos.permute(0, 3, 1, 2).float() - self.mean) / self.std


def build(architecture: str, classes: int, image_size: int, pretrained: str = "none") -> tuple[nn.Module, str]:
    """A classifier with `classes` outputs, and one sentence on where its weights come from.

    `pretrained`: "none", "imagenet" (torchvision's, downloaded or from its cache), or the path of a weights file.
    ImageNet weights that cannot be had leave random ones, and the sentence says so.
    Raises UserError for an unknown architecture, a size it cannot take, or a file that does not fit.
    """
    if architecture not in zoo.list_models(module=zoo):
        raise UserError(
            f"torchvision has no classifier {architecture!r}: try resnet50, resnet18, vgg16 or mobilenet_v3_large."
        )
    state, origin = _state(architecture, pretrained)
    try:
        model = zoo.get_model(architecture, weights=None, **_extras(architecture, image_size, state is not None))
        if state is not None:
            model.load_state_dict({key: value for key, value in state.items() if not key.lower().startswith("aux")})
        _replace(model, _head_name(model), classes)
        model.eval()(torch.zeros(1, 3, image_size, image_size))
    except (RuntimeError, ValueError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{architecture} cannot be built for photos of {image_size} px: {reason}") from None
    return model, origin


def head(model: nn.Module, classes: int) -> nn.Module:
    """The layer that gives the class scores."""
    return model.get_submodule(_head_name(model, classes))


def _extras(architecture: str, image_size: int, pretrained: bool) -> dict:
    if architecture in ("googlenet", "inception_v3"):
        return {"aux_logits": False, "transform_input": pretrained, "init_weights": not pretrained}
    return {"image_size": image_size} if architecture.startswith("vit_") and not pretrained else {}


def _outputs(module: nn.Module) -> int:
    return getattr(module, "out_features", getattr(module, "out_channels", 0))


def _head_name(model: nn.Module, classes: int = IMAGENET_CLASSES) -> str:
    layers = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d) and _outputs(module) == classes
    ]
    return layers[-1]


def _replace(model: nn.Module, name: str, classes: int) -> None:
    old = model.get_submodule(name)
    if isinstance(old, nn.Linear):
        new = nn.Linear(old.in_features, classes)
    else:
        new = nn.Conv2d(old.in_channels, classes, old.kernel_size)
    parent, _, child = name.rpartition(".")
    setattr(model.get_submodule(parent), child, new)


def _state(architecture: str, pretrained: str) -> tuple[dict[str, torch.Tensor] | None, str]:
    if pretrained == "none":
        return None, f"Random weights: {architecture} starts from nothing, as asked."
    if pretrained != "imagenet":
        return _state_from_file(architecture, Path(pretrained)), f"Weights from the file {Path(pretrained).name}."
    try:
        return _downloaded(architecture), f"ImageNet weights from torchvision ({official(architecture)})."
    except (URLError, OSError, RuntimeError, ValueError) as error:
        reason = (str(getattr(error, "reason", "") or error).splitlines() or [type(error).__name__])[0]
        return None, (
            f"Random weights: the ImageNet weights of {architecture} could not be had ({reason}). Download "
            f"{official(architecture)} where there is a network and set pretrained to its path."
        )


def official(architecture: str) -> str:
    """The file name of torchvision's default ImageNet weights; its last part is the start of the file's SHA-256."""
    return zoo.get_model_weights(architecture).DEFAULT.url.rpartition("/")[2]


def _downloaded(architecture: str) -> dict[str, torch.Tensor]:
    """torchvision's weights, checked by hash, from its cache or the network ($BUSANA_WEIGHTS_URL: a mirror)."""
    mirror = os.environ.get("BUSANA_WEIGHTS_URL")
    url = (
        f"{mirror.rstrip('/')}/{official(architecture)}" if mirror else zoo.get_model_weights(architecture).DEFAULT.url
    )
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(20)  # a network that swallows packets must not hang a run
    try:
        return torch.hub.load_state_dict_from_url(url, map_location="cpu", check_hash=True, weights_only=True)
    finally:
        socket.setdefaulttimeout(patience)


def _state_from_file(architecture: str, file: Path) -> dict[str, torch.Tensor]:
    """A safetensors file, or torchvision's own .pth: a pickle is opened only if its hash is the official one."""
    if not file.is_file():
        raise UserError(
            f"There is no weights file {file}: give the path of a .safetensors file or of {official(architecture)}."
        )
    if file.suffix == ".safetensors":
        return load_file(file)
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if not digest.startswith(official(architecture).rpartition("-")[2].removesuffix(".pth")):
        raise UserError(
            f"{file.name} is not torchvision's {official(architecture)}: a pickle from elsewhere can run code, so give "
            "that file or a .safetensors one."
        )
    return torch.load(file, map_location="cpu", weights_only=True)
