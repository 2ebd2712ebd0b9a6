"""Any classifier of torchvision or timm by name, its head replaced, on weights that `weights` finds.

Two variants of our own: any network with `_two_head` behind its name (colour and garment), and `resnet50_se` (channel
attention).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from torchvision import models as zoo
from torchvision.models.resnet import Bottleneck, ResNet
from torchvision.ops import SqueezeExcitation

from fashion_core import UserError
from fashion_core.class_names import split_names
from fashion_core.engine import weights

# Of RGB in 0..1. ImageNet's own, as torchvision's weights expect; and what EfficientNet-Lite learned with: (x - 127) /
# 128 of x in 0..255 (efficientnet_lite_builder.py of TensorFlow's official models).
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
LITE_MEAN, LITE_STD = (127 / 255,) * 3, (128 / 255,) * 3
IMAGENET_CLASSES = 1000


class Normalise(nn.Module):
    """uint8 photos (n, height, width, 3) → float32 (n, 3, height, width) as `network` learned them: less the mean,
    over the standard deviation. A network of timm says which; all others take ImageNet's. Part of every exported graph.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        told = getattr(network, "pretrained_cfg", {"mean": MEAN, "std": STD})
        self.register_buffer("mean", torch.tensor(told["mean"]).view(1, 3, 1, 1) * 255, persistent=False)
        self.register_buffer("std", torch.tensor(told["std"]).view(1, 3, 1, 1) * 255, persistent=False)

    def forward(self, photos: torch.Tensor) -> torch.Tensor:
        return (photos.permute(0, 3, 1, 2).float() - self.mean) / self.std


class TwoHead(nn.Module):
    """One linear layer for the colour, one for the garment: a class scores the sum of its two parts.

    So every photo of a blue thing teaches "blue", and every dress teaches "dress", whatever its colour. The softmax
    over the sums is the product of both, renormalised to the classes that there are. After the hierarchy idea of
    Condition-CNN (Kolisnik, Hogan, Zulkernine 2021), without its order.
    """

    colour: torch.Tensor
    garment: torch.Tensor

    def __init__(self, in_features: int, classes: Sequence[str]) -> None:
        super().__init__()
        pairs = split_names(classes)
        if pairs is None:
            raise ValueError("two heads need class names of the form <colour>_<garment>, some part of them shared")
        colours, garments = (sorted(set(part)) for part in zip(*pairs, strict=True))
        self.in_features, self.out_features = in_features, len(pairs)
        self.parts = nn.Linear(in_features, len(colours) + len(garments))
        self.register_buffer("colour", torch.tensor([colours.index(c) for c, _ in pairs]), persistent=False)
        garment = torch.tensor([len(colours) + garments.index(g) for _, g in pairs])
        self.register_buffer("garment", garment, persistent=False)

    def forward(self, embedding: torch.Tensor) -> torch.Tensor:
        """(n, in_features) → class scores (n, classes)."""
        parts = self.parts(embedding)
        return parts[:, self.colour] + parts[:, self.garment]


class SEBottleneck(Bottleneck):
    """ResNet's block with squeeze-and-excitation on its output (Hu, Shen, Sun 2018, reduction 16)."""

    def __init__(self, inplanes: int, planes: int, *rest, **named) -> None:
        super().__init__(inplanes, planes, *rest, **named)
        channels = planes * self.expansion
        self.se = SqueezeExcitation(channels, channels // 16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.se(self.bn3(self.conv3(out)))
        return self.relu(out + (x if self.downsample is None else self.downsample(x)))


# timm's networks with the padding of TensorFlow, where the weights were made, and with the dropout they were made with.
_LITE = {
    "efficientnet_lite0": ("tf_efficientnet_lite0", 0.2),
    "efficientnet_lite1": ("tf_efficientnet_lite1", 0.2),
    "efficientnet_lite2": ("tf_efficientnet_lite2", 0.3),
}


def build(
    architecture: str, classes: Sequence[str], image_size: int, pretrained: str = "none"
) -> tuple[nn.Module, str]:
    """A classifier with one output per class, and one sentence on where its weights come from.

    `pretrained`: "none", "imagenet" (torchvision's, downloaded or from its cache; EfficientNet-Lite's from a package),
    or the path of a weights file, its head apart: an official .pth or the best.safetensors of a run (the head too,
    where the run was frozen and of the same classes). ImageNet weights that cannot be had now leave random ones, and
    the sentence says so.
    Raises UserError for an unknown architecture, a size it cannot take, or a file that does not fit.
    """
    base = weights.base(architecture)
    if not _is_known(base):
        raise UserError(
            f"There is no classifier {architecture!r}: try resnet50, resnet18, vgg16, mobilenet_v3_large, "
            f"efficientnet_lite0 or another of torchvision's or timm's, resnet50_two_head or {weights.SE}."
        )
    state, origin = weights.load(base, pretrained)
    try:
        model = _network(architecture, image_size, state is not None)
        name = _head_name(model)
        if state is not None:
            _load_body(model, _as_named_in(model, state), name, architecture, pretrained)
        _replace(model, name, classes, architecture.endswith(weights.TWO_HEAD))
        if state is not None and weights.is_of_frozen_run(pretrained, classes):
            origin += _load_head(model, state, name)
        _raise_bn_momentum(model)
    except UserError:
        raise
    except (RuntimeError, ValueError, AssertionError) as error:
        raise _unfit(architecture, image_size, error) from None
    refuse_size(model, architecture, image_size)
    return model, origin


@torch.no_grad()
def refuse_size(model: nn.Module, architecture: str, image_size: int) -> None:
    """UserError where the network cannot take photos of `image_size` px."""
    try:
        model.eval()(torch.zeros(1, 3, image_size, image_size))
    except (RuntimeError, ValueError, AssertionError) as error:
        raise _unfit(architecture, image_size, error) from None


def _unfit(architecture: str, image_size: int, error: Exception) -> UserError:
    reason = str(error).splitlines()[0]
    return UserError(f"{architecture} cannot be built for photos of {image_size} px: {reason}")


def _network(architecture: str, image_size: int, pretrained: bool) -> nn.Module:
    """The network with ImageNet's head and random weights, of the shapes that pretrained ones need."""
    if architecture == weights.SE:
        return ResNet(SEBottleneck, [3, 4, 6, 3])
    base = weights.base(architecture)
    if base in zoo.list_models(module=zoo):
        return zoo.get_model(base, weights=None, **_extras(base, image_size, pretrained))
    return _timm_network(base, image_size, pretrained)


def _is_known(name: str) -> bool:
    """Whether torchvision or timm has a classifier of this name."""
    if name in zoo.list_models(module=zoo):
        return True
    import timm  # here and below: it takes seconds, and most networks are torchvision's

    return timm.is_model(name)


def _timm_network(name: str, image_size: int, pretrained: bool) -> nn.Module:
    import timm

    if name in _LITE:
        theirs, dropout = _LITE[name]
        learned = {"mean": LITE_MEAN, "std": LITE_STD}
        return timm.create_model(theirs, drop_rate=dropout, drop_path_rate=0.2, pretrained_cfg_overlay=learned)
    fixed = getattr(timm.get_pretrained_cfg(name), "fixed_input_size", False) and not pretrained
    more: dict[str, Any] = {"img_size": image_size} if fixed else {}
    return timm.create_model(name, num_classes=IMAGENET_CLASSES, **more)


def scores(model: nn.Module, inputs: torch.Tensor, flip: bool) -> torch.Tensor:
    """Class scores (n, k) of normalised photos (n, 3, h, w); with `flip` the mean with those of their mirror images.

    The photos themselves come last: what a hook keeps is of them.
    """
    mirrored = model(inputs.flip(3)) if flip else None
    own = model(inputs)
    return own if mirrored is None else (own + mirrored) / 2


def head(model: nn.Module, classes: int) -> nn.Module:
    """The layer that gives the class scores."""
    return model.get_submodule(_head_name(model, classes))


def freeze_body(model: nn.Module, classes: int) -> None:
    """Let nothing learn but the layer that gives the class scores."""
    model.requires_grad_(False)
    head(model, classes).requires_grad_(True)


@torch.no_grad()
def cost(network: nn.Module, image_size: int) -> dict[str, int]:
    """`parameters`, and `flops` to predict one photo: a multiplication and an addition count as two.

    Counted are convolutions, matrix products and attention, which is nearly all the work; activations, normalisation
    and pooling are not. Many papers print multiply-adds instead, half of this number.
    """
    photo = torch.zeros(1, 3, image_size, image_size, device=next(network.parameters()).device)
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # the counter cannot look into the fused attention
    try:
        # plain products: not every torch counts its fused kernels
        with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
            network.eval()(photo)
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
    return {"parameters": sum(p.numel() for p in network.parameters()), "flops": counter.get_total_flops()}


def _extras(architecture: str, image_size: int, pretrained: bool) -> dict:
    if architecture in ("googlenet", "inception_v3"):
        return {"aux_logits": False, "transform_input": pretrained, "init_weights": not pretrained}
    return {"image_size": image_size} if architecture.startswith("vit_") and not pretrained else {}


def _load_body(model: nn.Module, state: dict[str, torch.Tensor], head: str, architecture: str, pretrained: str) -> None:
    """Load all but the head, which is about to be replaced; attention blocks may start anew. UserError: no fit."""
    body = _without_head(state, head)
    own = _without_head(model.state_dict(), head)
    missing = [name for name in own if name not in body and ".se." not in name and not name.endswith("tracked")]
    other = [name for name, tensor in body.items() if name not in own or own[name].shape != tensor.shape]
    if missing or other:
        whose = _architecture_of(state)
        held = f"the weights of {whose}" if whose else "the weights of another network"
        raise UserError(
            f"{architecture} cannot be built: {Path(pretrained).name} holds {held} (they differ at "
            f"{(missing + other)[0]}): give weights of {architecture}"
            + (f", or set architecture={whose}." if whose else ".")
        )
    model.load_state_dict(body, strict=False)


def _load_head(model: nn.Module, state: dict[str, torch.Tensor], head: str) -> str:
    """Load the last layer too, where it is of the same form; returns a sentence that says so, or ""."""
    own = {name: tensor for name, tensor in model.state_dict().items() if name.startswith(f"{head}.")}
    if any(name not in state or state[name].shape != tensor.shape for name, tensor in own.items()):
        return ""
    model.load_state_dict({name: state[name] for name in own}, strict=False)
    return " Its last layer, all that the frozen run learned, is kept."


def _as_named_in(model: nn.Module, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The packaged weights of EfficientNet-Lite under the names of `model`: theirs are others, in the same order."""
    if "_conv_stem.weight" not in state:
        return state
    return dict(zip(model.state_dict(), state.values(), strict=True))


def _without_head(state: dict[str, torch.Tensor], head: str) -> dict[str, torch.Tensor]:
    """The body of a network: neither its head nor the auxiliary classifiers that only ImageNet's training used."""
    return {
        name: tensor
        for name, tensor in state.items()
        if not name.startswith(f"{head}.") and not name.lower().startswith("aux")
    }


def _architecture_of(state: dict[str, torch.Tensor]) -> str | None:
    """Which classifier of torchvision or the Lite family has a body of these names and shapes; None: none of them."""
    for name in (*zoo.list_models(module=zoo), *_LITE):
        try:
            with torch.device("meta"):  # shapes without numbers: nothing is drawn
                model = _network(name, 224, True)
        except NotImplementedError:  # RegNet works its widths out in tensors
            continue
        head = _head_name(model)
        own, given = _without_head(model.state_dict(), head), _without_head(state, head)
        if own.keys() == given.keys() and all(own[key].shape == given[key].shape for key in own):
            return name
    return None


def _raise_bn_momentum(model: nn.Module) -> None:
    """Give batch normalisation torch's usual momentum where a network has a smaller one.

    MobileNetV3's 0.01 suits the half million steps of ImageNet. In a run of a few hundred the averages that validation
    uses would still be near their start, and a network that fits its training photos would be taken for a bad one.
    """
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d) and module.momentum is not None:
            module.momentum = max(module.momentum, 0.1)


def _outputs(module: nn.Module) -> int:
    return getattr(module, "out_features", getattr(module, "out_channels", 0))


def _head_name(model: nn.Module, classes: int = IMAGENET_CLASSES) -> str:
    layers = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d | TwoHead) and _outputs(module) == classes
    ]
    return next((name for name in layers if isinstance(model.get_submodule(name), TwoHead)), layers[-1])


def _replace(model: nn.Module, name: str, classes: Sequence[str], two_head: bool) -> None:
    old = model.get_submodule(name)
    if isinstance(old, nn.Conv2d):
        new: nn.Module = nn.Conv2d(old.in_channels, len(classes), (old.kernel_size[0], old.kernel_size[1]))
    elif isinstance(old, nn.Linear):
        new = TwoHead(old.in_features, classes) if two_head else nn.Linear(old.in_features, len(classes))
    else:
        raise ValueError(f"its last layer is a {type(old).__name__}")
    parent, _, child = name.rpartition(".")
    setattr(model.get_submodule(parent), child, new)
