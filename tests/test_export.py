"""A model folder holds its numbers once: torch and OpenVINO read the same file, and say the same."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from fashion_core import UserError
from fashion_core.engine import checkpoint, export, models
from fashion_core.engine.evaluate import load_network
from fashion_core.models.predictor import Predictor, runtime

SIZE, CLASSES = 32, ("black_dress", "blue_dress", "black_shoes", "blue_shoes")


@pytest.fixture
def folder(tmp_path, one_thread) -> Path:
    return write(tmp_path / "model", "mobilenet_v3_small")


def write(folder: Path, architecture: str) -> Path:
    """A model folder as a worker leaves it, of a network whose averages are those of no photo."""
    torch.manual_seed(0)
    network, _ = models.build(architecture, CLASSES, SIZE)
    for name, average in network.named_buffers():
        if name.endswith("running_mean"):
            average.copy_(torch.randn_like(average) / 10)
        elif name.endswith("running_var"):
            average.copy_(torch.rand_like(average) + 0.5)
    folder.mkdir()
    about = {"classes": CLASSES, "config": {"architecture": architecture, "image_size": SIZE}}
    export.write_ir(network, about, folder)
    card = {"v": 1, "name": "it", "classes": CLASSES, "image_size": SIZE, "temperature": 1.0}
    (folder / "card.json").write_text(json.dumps(card))
    return folder


def photos() -> list[Image.Image]:
    return [Image.fromarray(each) for each in np.random.default_rng(0).integers(0, 256, (3, SIZE, SIZE, 3), np.uint8)]


def by_torch(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Logits and embeddings of the photos by the weights as torch reads them."""
    network, about = load_network(folder / "model.safetensors")
    with torch.no_grad():
        found = export.Exported(network, len(about["classes"])).eval()(torch.tensor(np.stack(photos())))
    return found["logits"].numpy(), found["embedding"].numpy()


def graph_bytes(folder: Path) -> int:
    """How much of the weights is the graph's alone."""
    whole = folder / "model.safetensors"
    tensors, _ = checkpoint.load(whole)
    return whole.stat().st_size - sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


@pytest.mark.parametrize("architecture", ["resnet18", "mobilenet_v3_small", "resnet50_two_head", "resnet50_se"])
def test_both_engines_read_one_file_and_say_the_same(tmp_path, one_thread, architecture):
    folder = write(tmp_path / "model", architecture)
    for said, meant in zip(Predictor(folder).raw(photos()), by_torch(folder), strict=True):
        assert np.ptp(meant) > 0, "a network that is dead says nothing"
        assert np.abs(said - meant).max() < 1e-4 * np.abs(meant).max()
    assert {file.name for file in folder.iterdir()} == {"card.json", "model.safetensors", "model.xml"}
    assert graph_bytes(folder) < 64_000, "the header, its metadata and the shapes: numbers are kept twice"


def test_training_starts_from_the_weights_of_a_model_folder(folder):
    weights = folder / "model.safetensors"
    network, origin = models.build("mobilenet_v3_small", ("hat", "sock"), SIZE, str(weights))
    tensors, _ = checkpoint.load(weights)
    assert origin == "Started from the weights of an earlier run." and checkpoint.GRAPH not in tensors
    assert torch.equal(network.features[0][0].weight, tensors["features.0.0.weight"].float())


def test_a_graph_beside_the_weights_of_another_model_is_refused(folder, tmp_path):
    _, about = checkpoint.load(folder / "model.safetensors")
    checkpoint.save(folder / "model.safetensors", load_file(folder / "model.safetensors"), about | {"epoch": 2})
    with pytest.raises(UserError, match=r"model\.xml was made for other weights than model\.safetensors beside it"):
        Predictor(folder)
    (folder / "model.bin").write_bytes((folder / "model.safetensors").read_bytes())
    with pytest.raises(UserError, match=r"other weights than model\.bin beside it"):
        Predictor(folder)


def test_weights_that_are_cut_off_are_one_sentence(folder):
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    for length in (len(whole) // 2, 100, 3, 0):
        weights.write_bytes(whole[:length])
        with pytest.raises(UserError, match=r"model\.(xml|safetensors)") as caught:
            Predictor(folder)
        assert "\n" not in str(caught.value)


def test_a_folder_of_an_earlier_version_predicts_and_is_made_half_as_large(folder):
    network, _ = load_network(folder / "model.safetensors")
    wrapped = export.Exported(network, len(CLASSES)).eval()
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        example = torch.zeros(2, SIZE, SIZE, 3, dtype=torch.uint8)
        old = runtime().convert_model(wrapped, example_input=example, input=[(-1, SIZE, SIZE, 3)])
    for output, name in zip(old.outputs, wrapped(example), strict=True):
        output.get_tensor().set_names({name})
    runtime().save_model(old, folder / "model.xml", compress_to_fp16=True)
    before, meant = Predictor(folder).raw(photos())[0], by_torch(folder)[0]
    assert np.abs(before - meant).max() < 0.02 * np.abs(meant).max()  # what was folded was rounded anew
    export.add_ir(folder)
    assert not (folder / "model.bin").exists()
    assert np.abs(Predictor(folder).raw(photos())[0] - meant).max() < 1e-4 * np.abs(meant).max()


def test_numbers_beyond_float16_are_not_lost(tmp_path, one_thread):
    """A variance of 200,000 is infinite in float16, and its channel would be silent; so would a weight of 70,000."""
    torch.manual_seed(0)
    network, _ = models.build("resnet18", CLASSES, SIZE)
    network.bn1.running_var.fill_(200_000.0)
    network.bn1.weight.data.fill_(1_000.0)
    network.conv1.weight.data[0, 0, 0, 0] = 70_000.0
    whole = export.Exported(network.eval(), len(CLASSES))
    with torch.no_grad():
        meant = whole(torch.tensor(np.stack(photos())))["logits"].numpy()
    folder = tmp_path / "model"
    folder.mkdir()
    about = {"classes": CLASSES, "config": {"architecture": "resnet18", "image_size": SIZE}}
    export.write_ir(network, about, folder)
    card = {"v": 1, "name": "it", "classes": CLASSES, "image_size": SIZE, "temperature": 1.0}
    (folder / "card.json").write_text(json.dumps(card))
    for said in (by_torch(folder)[0], Predictor(folder).raw(photos())[0]):
        assert np.abs(said - meant).max() < 0.01 * np.abs(meant).max()
