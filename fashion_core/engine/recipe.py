"""What a recipe makes of a network: the optimizer."""

import torch
from torch import nn

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
