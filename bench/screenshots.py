"""Pictures of every page, light, dark and as a phone has it, into docs/images: python bench/screenshots.py [--out DIR]

The pages show the models that ship; Train shows a short run on the sample set, and Catalogue examples/ as `tag` answers
them, both made here first. Each picture is a WebP of less than 150 KB.
"""

import argparse
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from browser import chromium, hover_click, launch, serve  # noqa: E402

PAGES = ("home", "predict", "evaluate", "train", "compare", "data", "catalogue")
WINDOWS = {"light": (1280, 900), "dark": (1280, 900), "phone": (390, 844)}
MOST = 150_000  # bytes
SETTLED = """() => document.querySelector('[data-testid="stApp"][data-test-script-state="notRunning"]')
  && document.querySelector('[data-testid="stMain"] h1') && !document.querySelector('[data-testid="stSkeleton"]')"""


def small_webp(png: bytes) -> bytes:
    """The picture as WebP of at most MOST bytes, as good as fits."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    for quality in (85, 70, 55, 40, 25, 10):
        out = io.BytesIO()
        picture.save(out, "WEBP", quality=quality, method=6)
        if out.tell() <= MOST:
            break
    return out.getvalue()


def prepare(home: Path) -> None:
    """What the pages need beside the models that ship: a finished run, a table of answers."""
    (home / "weights").symlink_to(ROOT / "weights")
    _busana(home, "sample", home / "data" / "sample", "--per-class", "20")
    _busana(home, "train", home / "data" / "sample", "--preset", "quick", "--set", "image_size=64", "epochs=6")
    photos = home / "examples.txt"  # not the folder, whose labels.csv would be a row that cannot be read
    photos.write_text("\n".join(map(str, sorted((ROOT / "examples").glob("*/*.jpg")))))
    _busana(home, "tag", "apparel-lite", photos, "--out", home / "catalogues" / "examples.parquet")


def _busana(home: Path, *arguments: str | Path) -> None:
    command = [sys.executable, "-m", "fashion_core", *map(str, arguments)]
    subprocess.run(command, cwd=ROOT, env=os.environ | {"BUSANA_HOME": str(home)}, check=True)


def take(page: Page, url: str, name: str, file: Path) -> None:
    page.goto(f"{url}/{'' if name == 'home' else name}")
    _settle(page)
    STEPS.get(name, lambda page: None)(page)
    page.mouse.move(0, 0)
    file.write_bytes(small_webp(page.screenshot()))


def _settle(page: Page) -> None:
    page.wait_for_function(SETTLED, timeout=180_000)
    page.wait_for_timeout(1500)  # charts draw themselves


def _press_an_example(page: Page) -> None:
    hover_click(page, page.locator("[class*=st-key-tile-example-]").first)
    page.locator("[class*=st-key-tile-answer-]").first.wait_for(timeout=60_000)
    _settle(page)


STEPS: dict[str, Callable[[Page], None]] = {"predict": _press_an_example}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--pages", nargs="+", choices=PAGES, default=list(PAGES))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        executable = chromium(playwright)
        if not executable:
            sys.exit("No Chromium: install one, name it in $CHROMIUM, or run python tests/browser.py.")
        home = Path(folder)
        prepare(home)
        with serve(home) as server, launch(playwright, executable) as browser:
            for window, (width, height) in WINDOWS.items():
                scheme = "dark" if window == "dark" else "light"
                size = {"width": width, "height": height}
                with browser.new_context(viewport=size, color_scheme=scheme, has_touch=width < 600) as context:
                    for name in options.pages:
                        file = options.out / f"{name}-{window}.webp"
                        take(context.new_page(), server.url, name, file)
                        print(file, flush=True)


if __name__ == "__main__":
    main()
