"""A trained network → a model folder that predicts without torch: safetensors, OpenVINO IR, card, evaluation.

The graph takes uint8 photos (n, s, s, 3), normalises them itself and gives three outputs: `logits` (n, k),
`embedding` (n, d) that the head reads, and `features` (n, c, h, w), the last feature map, where the network has one.
"""

import shutil
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from fashion_core import UserError
from fashion_core.engine import checkpoint, models
from fashion_core.engine.evaluate import load_network
from fashion_core.models.card import ModelCard
from fashion_core.models.predictor import runtime
from fashion_core.runs.config import predict_size


class Exported(nn.Module):
    """A classifier with its normalisation inside and its last embedding and feature map as outputs."""

    def __init__(self, network: nn.Module, classes: int, flip: bool = False) -> None:
        super().__init__()
        self.normalise, self.network, self.flip = models.Normalise(network), network, flip
        self._seen: dict[str, torch.Tensor] = {}
        models.head(network, classes).register_forward_pre_hook(self._keep_embedding)
        for module in network.modules():
            if not list(module.children()):
                module.register_forward_hook(self._keep_features)

    def _keep_embedding(self, module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        self._seen["embedding"] = inputs[0].flatten(1)

    def _keep_features(self, module: nn.Module, inputs: tuple, output: Any) -> None:
        if isinstance(output, torch.Tensor) and output.ndim == 4 and min(output.shape[2:]) > 1:
            self._seen["features"] = output

    def forward(self, photos: torch.Tensor) -> dict[str, torch.Tensor]:
        inputs = self.normalise(photos)
        logits, seen = self.network(inputs), dict(self._seen)  # the embedding and features are the photo's own
        if self.flip:
            logits = (logits + self.network(inputs.flip(3))) / 2
        return {"logits": logits, **seen}


def write_ir(network: nn.Module, about: Mapping[str, Any], folder: Path) -> None:
    """Write model.xml and model.bin (float16 weights) of the network that `about` tells of, as in its safetensors.

    Raises UserError where OpenVINO is not installed.
    """
    classes, image_size = len(about["classes"]), predict_size(about["config"])
    openvino = runtime()
    network = network.cpu().to(memory_format=torch.contiguous_format).eval()
    wrapped = Exported(network, classes, about["config"].get("flip_at_test", False)).eval()
    example = torch.zeros(2, image_size, image_size, 3, dtype=torch.uint8)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # OpenVINO traces with torch.jit.trace, which torch announces to replace
        ir = openvino.convert_model(wrapped, example_input=example, input=[(-1, image_size, image_size, 3)])
    for output, name in zip(ir.outputs, wrapped(example), strict=True):
        output.get_tensor().set_names({name})
    openvino.save_model(ir, folder / "model.xml", compress_to_fp16=True)


def write_model_folder(
    folder: Path, network: nn.Module, about: dict[str, Any], card: ModelCard, copies: Sequence[Path]
) -> None:
    """Fill `folder`, also with `copies` of files and folders; the card comes last: a folder with a card is whole.
    Of paths only the names go along.

    Where OpenVINO is not installed, as on a machine that only trains, the card says that `publish` must add the IR.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    about, card = about | {"config": _named(about["config"])}, replace(card, settings=_named(card.settings))
    half = {
        name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in network.state_dict().items()
    }
    checkpoint.save(folder / "model.safetensors", half, about)
    for source in copies:
        if source.is_dir():
            shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns(".*"))  # of a killed writer
        else:
            shutil.copyfile(source, folder / source.name)
    try:
        write_ir(network, about, folder)
    except UserError:
        missing = "OpenVINO is not installed here: publish this run where it is, to predict with it."
        card = replace(card, notes=(*card.notes, missing))
    card.write(folder)


def _named(config: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe without the folders of the machine that it was trained on."""
    return dict(config) | {
        key: Path(config[key]).name for key in ("pretrained", "extra", "decisions", "teacher") if config.get(key)
    }


def add_ir(folder: Path) -> None:
    """Write the IR that a model folder lacks, from its safetensors."""
    network, about = load_network(folder / "model.safetensors")
    write_ir(network, about, folder)
