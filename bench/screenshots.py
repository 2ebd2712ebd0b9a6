"""Pictures of every page, light and dark, into docs/images: python bench/screenshots.py [--out DIR] [--home DIR]

The pages show the models that ship, or what lies in --home. Each picture is a WebP of less than 150 KB.
"""

import argparse
import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from browser import chromium, launch, serve  # noqa: E402

PAGES = {"home": "", "data": "data", "train": "train", "evaluate": "evaluate", "compare": "compare",
         "predict": "predict"}  # fmt: skip
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


def take(page: Page, url: str, file: Path) -> None:
    page.goto(url)
    page.wait_for_function(SETTLED, timeout=180_000)
    page.wait_for_timeout(1500)  # charts draw themselves
    file.write_bytes(small_webp(page.screenshot()))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--home", type=Path)
    parser.add_argument("--pages", nargs="+", choices=PAGES, default=list(PAGES))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = options.home or Path(folder)
        if not options.home:
            (home / "weights").symlink_to(ROOT / "weights")
        executable = chromium(playwright)
        if not executable:
            sys.exit("No Chromium: install one, name it in $CHROMIUM, or run python tests/browser.py.")
        with serve(home) as server, launch(playwright, executable) as browser:
            for theme in ("light", "dark"):
                with browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme=theme) as context:
                    for name in options.pages:
                        take(context.new_page(), f"{server.url}/{PAGES[name]}", options.out / f"{name}-{theme}.webp")
                        print(options.out / f"{name}-{theme}.webp", flush=True)


if __name__ == "__main__":
    main()
