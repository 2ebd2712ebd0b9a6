"""A trained network → a model folder that predicts without torch: safetensors, OpenVINO IR, card, evaluation.

The graph takes uint8 photos (n, s, s, 3), normalises them itself and gives three outputs: `logits` (n, k),
`embedding` (n, d) that the head reads, and `features` (n, c, h, w), the last feature map, where the network has one.

model.xml holds the graph alone. Its numbers are those of model.safetensors, where OpenVINO reads them at the offsets
that the graph names: they are kept once, and torch goes on from the same file.
"""

import json
import shutil
import warnings
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import torch
from torch import nn

from fashion_core import UserError
from fashion_core.engine import checkpoint, models
from fashion_core.engine.evaluate import load_network
from fashion_core.files import atomic_write
from fashion_core.models.card import ModelCard
from fashion_core.models.predictor import HEADER_MARK, header_digest, read_header, runtime
from fashion_core.runs.config import predict_size

if TYPE_CHECKING:
    from openvino import Model

    Graph = ElementTree.ElementTree[ElementTree.Element]


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
        logits = models.scores(self.network, self.normalise(photos), self.flip)
        return {"logits": logits, **self._seen}


def write_ir(network: nn.Module, about: dict[str, Any], folder: Path) -> None:
    """Write model.safetensors and model.xml, whose numbers lie in it; `network` is rounded to what is written.

    Raises UserError where OpenVINO is not installed."""
    tensors = _stored(round_as_stored(network))
    places: dict[bytes, str | int] = {tensor.numpy().tobytes(): name for name, tensor in tensors.items()}
    ir = _traced(network, about)
    _halve_constants(ir, places)
    graph, numbers = _serialised(ir, folder)
    others = bytearray()  # what is no tensor of the network: mean and deviation of the pixels, shapes
    for value in _values(graph, numbers):
        if value not in places:
            places[value] = len(others)
            others += value + bytes(-len(value) % 8)
    weights = folder / "model.safetensors"
    checkpoint.save(weights, tensors | {checkpoint.GRAPH: torch.frombuffer(others, dtype=torch.int64)}, about)
    _point_into(weights, graph, [places[value] for value in _values(graph, numbers)])
    _mark(graph, header_digest(weights))
    with atomic_write(folder / "model.xml") as partial:
        graph.write(partial, "utf-8", xml_declaration=True)


def _traced(network: nn.Module, about: Mapping[str, Any]) -> "Model":
    """The graph of a network, each of whose numbers is one of the network's.

    `openvino.convert_model` would fold batch normalisation into the convolutions, and its numbers would be others. When
    the model is compiled, OpenVINO folds it all the same.
    """
    openvino = runtime()
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder
    from openvino.passes import ConstantFolding, Manager

    image_size, flip = predict_size(about["config"]), about["config"].get("flip_at_test", False)
    network = network.cpu().to(memory_format=torch.contiguous_format).eval()
    wrapped = Exported(network, len(about["classes"]), flip).eval()
    example = torch.zeros(2, image_size, image_size, 3, dtype=torch.uint8)
    frontend = FrontEndManager().load_by_framework("pytorch")
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # OpenVINO traces with torch.jit.trace, which torch announces to replace
        decoder = TorchScriptPythonDecoder(wrapped, example_input=example)  # kept: `load` does not hold on to it
        loaded = frontend.load(decoder)
        photos = loaded.get_inputs()[0]
        loaded.set_partial_shape(photos, openvino.PartialShape([-1, image_size, image_size, 3]))
        loaded.set_element_type(photos, openvino.Type.u8)
        ir = frontend.convert(loaded)
    folding = Manager()
    folding.register_pass(ConstantFolding())  # arithmetic on shapes: a third of the graph
    folding.run_passes(ir)
    for output, name in zip(ir.outputs, wrapped(example), strict=True):
        output.get_tensor().set_names({name})
    return ir


def _halve_constants(ir: "Model", tensors: Container[bytes]) -> None:
    """Let the graph read in float16 those of its float32 constants that are `tensors` then; the others keep float32."""
    from openvino import Type, opset13

    for constant in ir.get_ops():
        if constant.get_type_name() != "Constant" or constant.get_element_type() != Type.f32:
            continue
        whole = torch.from_numpy(constant.data.copy())
        half = whole.half()
        if torch.equal(half.float(), whole) and half.numpy().tobytes() in tensors:
            again = opset13.convert(opset13.constant(half.numpy()), "f32")
            for reader in constant.output(0).get_target_inputs():
                reader.replace_source_output(again.output(0))


def _serialised(ir: "Model", folder: Path) -> tuple["Graph", bytes]:
    """A graph as XML, and the bytes that its constants point to."""
    with TemporaryDirectory(dir=folder, prefix=".") as scratch:
        runtime().save_model(ir, Path(scratch, "model.xml"), compress_to_fp16=False)
        return ElementTree.parse(Path(scratch, "model.xml")), Path(scratch, "model.bin").read_bytes()


def _constants(graph: "Graph") -> Iterator[ElementTree.Element]:
    """What the graph says of each of its constants: element_type, shape, offset, size (bytes)."""
    return (data for layer in graph.iter("layer") if layer.get("type") == "Const" for data in layer.iter("data"))


def _values(graph: "Graph", numbers: bytes) -> Iterator[bytes]:
    """The bytes of each constant of the graph."""
    for constant in _constants(graph):
        start = int(constant.attrib["offset"])
        yield numbers[start : start + int(constant.attrib["size"])]


def _point_into(weights: Path, graph: "Graph", places: Sequence[str | int]) -> None:
    """Set each constant's offset to where its tensor, or its byte of the tensor GRAPH, lies in the file `weights`."""
    header = read_header(weights)
    tensors = json.loads(header[8:])
    for constant, place in zip(_constants(graph), places, strict=True):
        name, skip = (place, 0) if isinstance(place, str) else (checkpoint.GRAPH, place)
        constant.set("offset", str(len(header) + tensors[name]["data_offsets"][0] + skip))


def _mark(graph: "Graph", digest: str) -> None:
    """Note which file the offsets are of, and leave out the blanks between the elements."""
    root = graph.getroot()
    for element in graph.iter():
        element.text, element.tail = (element.text or "").strip(), None
    notes = root.find("rt_info")
    notes = ElementTree.SubElement(root, "rt_info") if notes is None else notes
    ElementTree.SubElement(notes, HEADER_MARK, value=digest)


@torch.no_grad()
def round_as_stored(network: nn.Module) -> nn.Module:
    """Round the network, in place, to the numbers that a model folder holds: what is tested is what is shipped."""
    for tensor in network.state_dict().values():
        tensor.copy_(_as_stored(tensor))
    return network


def _stored(network: nn.Module) -> dict[str, torch.Tensor]:
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    return {name: _as_stored(tensor) for name, tensor in whole.items()}


def _as_stored(tensor: torch.Tensor) -> torch.Tensor:
    """Weights in float16. What is one number a channel stays as it is: it is little, and the variances of a batch
    normalisation can be beyond float16, where the channel would be silent."""
    if tensor.ndim < 2 or not tensor.is_floating_point():
        return tensor
    half = tensor.half()
    return half if half.isfinite().all() else tensor


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
    for source in copies:
        if source.is_dir():
            shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns(".*"))  # of a killed writer
        else:
            shutil.copyfile(source, folder / source.name)
    try:
        runtime()
    except UserError:
        checkpoint.save(folder / "model.safetensors", _stored(network), about)
        missing = "OpenVINO is not installed here: publish this run where it is, to predict with it."
        card = replace(card, notes=(*card.notes, missing))
    else:
        write_ir(network, about, folder)
    card.write(folder)


def _named(config: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe without the folders of the machine that it was trained on."""
    return dict(config) | {
        key: Path(config[key]).name for key in ("pretrained", "extra", "decisions", "teacher") if config.get(key)
    }


def add_ir(folder: Path) -> None:
    """Write the IR of a model folder that lacks it, or has one with a model.bin of its own, from its safetensors."""
    network, about = load_network(folder / "model.safetensors")
    write_ir(network, about, folder)
    (folder / "model.bin").unlink(missing_ok=True)
