"""What a recipe makes of a network and its photos: the optimizer, and the augmentation."""

from collections.abc import Callable

import torch
from torch import nn
from torchvision.transforms import v2

from fashion_core.engine import models
from fashion_core.runs.config import TrainConfig


def make_optimizer(model: nn.Module, config: TrainConfig, classes: int) -> torch.optim.Optimizer:
    """SGD or AdamW; no weight decay on biases and normalisation; the head's rate times `head_learning_rate`."""
    new = {id(parameter) for parameter in models.head(model, classes).parameters()}
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter in filter(lambda each: each.requires_grad, model.parameters()):
        factor = config.head_learning_rate if id(parameter) in new else 1.0
        groups.setdefault((factor, config.weight_decay if parameter.ndim > 1 else 0.0), []).append(parameter)
    parts = [{"params": params, "factor": factor, "weight_decay": decay} for (factor, decay), params in groups.items()]
    if config.optimizer == "adamw":
        return torch.optim.AdamW(parts, lr=config.learning_rate)
    return torch.optim.SGD(parts, lr=config.learning_rate, momentum=config.momentum)


def make_augmentation(config: TrainConfig) -> Callable[[torch.Tensor], torch.Tensor]:
    """Random crops and flips, each photo its own; uint8 (n, s, s, 3). No hue jitter: it changes the label."""
    size = config.image_size
    steps = (
        [v2.RandomResizedCrop(size, scale=(config.crop_scale, 1.0), antialias=True)] if config.crop_scale < 1 else []
    )
    steps += [v2.RandomHorizontalFlip()] if config.flip else []
    if not steps:
        return lambda photos: photos
    transform = v2.Compose(steps)
    return lambda photos: torch.stack([transform(photo) for photo in photos.permute(0, 3, 1, 2)]).permute(0, 2, 3, 1)
