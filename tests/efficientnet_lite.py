"""What the weights' own implementation of EfficientNet-Lite answers to one photo, kept for the test of ours.

    pip install efficientnet-lite-pytorch && python tests/efficientnet_lite.py

writes efficientnet_lite.npz: for each network the 1000 ImageNet class scores, float32, of `photo` at its own size. The
package was last released in 2020, so no test needs it.
"""

from pathlib import Path

import numpy as np

RECORDED = Path(__file__).with_suffix(".npz")
SIZES = {"efficientnet_lite0": 224, "efficientnet_lite1": 240, "efficientnet_lite2": 260}


def photo(size: int) -> np.ndarray:
    """A pattern of slopes and edges, uint8 (1, size, size, 3), the same everywhere."""
    y, x, colour = np.mgrid[:size, :size, :3]
    return ((7 * y + 11 * x + 50 * colour + x * y // 16) % 256).astype(np.uint8)[None]


def record() -> None:
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    from fashion_core.engine import weights

    scores = {}
    for name, size in SIZES.items():
        network = EfficientNet.from_name(name.replace("_", "-")).eval()
        network.load_state_dict(weights.load(name, "imagenet")[0])
        inputs = (torch.from_numpy(photo(size)).permute(0, 3, 1, 2).float() - 127) / 128
        with torch.inference_mode():
            scores[name] = network(inputs).numpy()[0]
    np.savez(RECORDED, **scores)


if __name__ == "__main__":
    record()
