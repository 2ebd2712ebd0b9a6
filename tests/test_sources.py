"""Promises of sources: what you have is taken safely, what cannot be had is one sentence with what to do."""

import io
import stat
import sys
import threading
import types
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from PIL import Image

from fashion_core import UserError
from fashion_core.photos import sources


def jpeg() -> bytes:
    out = io.BytesIO()
    Image.effect_noise((20, 20), 80).convert("RGB").save(out, "JPEG")
    return out.getvalue()


def packed(file: Path, **entries: bytes) -> Path:
    """A zip of {name: content}."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in entries.items():
            bundle.writestr(name, content)
    return file


def clothes(file: Path, wrap: str = "") -> Path:
    names = [f"{part}/{label}/{n}.jpg" for part in ("train", "test") for label in ("hat", "shoes") for n in range(2)]
    return packed(file, **{f"{wrap}{name}": jpeg() for name in names}, **{f"{wrap}README.md": b"hello"})


def tree(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def refusal(*arguments, **options) -> str:
    with pytest.raises(UserError) as caught:
        sources.fetch(*arguments, **options)
    return str(caught.value)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder served on this machine, where clothing.zip is looked for."""
    (tmp_path / "site").mkdir()
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path / "site")
    monkeypatch.setattr(SimpleHTTPRequestHandler, "log_message", lambda *_: None)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("BUSANA_CLOTHING_URL", f"http://127.0.0.1:{server.server_port}/clothing.zip")
        yield tmp_path / "site"
        server.shutdown()


# ---- downloads


def test_clothing_is_downloaded_with_progress_and_loses_its_wrapping(site, tmp_path):
    clothes(site / "clothing.zip", wrap="clothing-dataset-small-master/")
    told = []
    out = sources.fetch("clothing", tmp_path / "out", progress=lambda *args: told.append(args))
    assert tree(out)[:3] == ["README.md", "test/hat/0.jpg", "test/hat/1.jpg"] and len(tree(out)) == 9
    assert {what for _, _, what in told} == {"Downloading, MB", "Unpacking"} and told[-1] == (9, 9, "Unpacking")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out", "site"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x.zip", "http://no-such-host.invalid/x.zip"])
def test_offline_says_what_to_get_and_where_to_put_it(tmp_path, monkeypatch, url):
    monkeypatch.setenv("BUSANA_CLOTHING_URL", url)
    said = refusal("clothing", tmp_path / "out")
    assert "https://github.com/alexeygrigorev/clothing-dataset-small" in said
    assert f"fetch clothing {tmp_path / 'out'} --from FILE" in said and "\n" not in said
    assert not list(tmp_path.iterdir())


def test_a_page_that_is_gone_says_the_sites_answer(site, tmp_path):
    assert "the site answered 404" in refusal("clothing", tmp_path / "out")


def test_a_download_that_is_no_zip_leaves_nothing(site, tmp_path):
    (site / "clothing.zip").write_bytes(b"<html>please log in</html>")
    assert "is no whole zip file" in refusal("clothing", tmp_path / "out")
    assert [file.name for file in tmp_path.iterdir()] == ["site"]


class Refused(Exception):
    response = types.SimpleNamespace(status_code=403)


@pytest.mark.parametrize(
    ("failure", "why"),
    [
        (ConnectionError("Failed to resolve 'api.kaggle.com'"), "no connection to the internet"),
        (Refused(), "the site asks for an account with the right to it"),
        (RuntimeError("something\n new "), "something new"),
    ],
)
def test_kaggle_failing_in_any_way_is_one_sentence(tmp_path, monkeypatch, failure, why):
    import kagglehub

    def fail(handle):
        raise failure

    monkeypatch.setattr(kagglehub, "dataset_download", fail)
    said = refusal("paper", tmp_path / "out")
    assert f"({why})" in said and "https://www.kaggle.com/datasets/shreyanshverma27/new-data-fashion" in said
    assert "fetch paper" in said and "\n" not in said and not list(tmp_path.iterdir())


def test_kaggle_reports_progress_and_its_folder_is_copied(tmp_path, monkeypatch):
    import kagglehub
    from kagglehub import clients

    cache = tmp_path / "cache"
    usual, told = clients.tqdm, []

    def download(handle):
        assert handle == "shreyanshverma27/new-data-fashion"
        with clients.tqdm(total=6 << 20, file=io.StringIO()) as bar:
            bar.update(2 << 20)
            bar.update(4 << 20)
        for label in ("black_dress", "blue_dress"):
            (cache / "dataset" / label).mkdir(parents=True)
            (cache / "dataset" / label / "1.jpg").write_bytes(jpeg())
        return str(cache)

    monkeypatch.setattr(kagglehub, "dataset_download", download)
    out = sources.fetch("paper", tmp_path / "out", progress=lambda *args: told.append(args))
    assert tree(out) == ["black_dress/1.jpg", "blue_dress/1.jpg"] and len(tree(cache)) == 2
    assert told[:2] == [(2, 6, "Downloading, MB"), (6, 6, "Downloading, MB")] and clients.tqdm is usual


# ---- what you have


def test_a_zip_you_have_is_taken_in_place_of_the_download(tmp_path):
    out = sources.fetch("paper", tmp_path / "out", clothes(tmp_path / "my.zip"))
    assert len(tree(out)) == 9 and (tmp_path / "my.zip").exists()


def test_a_folder_you_have_is_copied_and_stays(tmp_path):
    for label in ("a", "b"):
        (tmp_path / "mine" / "wrap" / label).mkdir(parents=True)
        (tmp_path / "mine" / "wrap" / label / "1.jpg").write_bytes(jpeg())
    out = sources.fetch("clothing", tmp_path / "out", tmp_path / "mine")
    assert tree(out) == ["a/1.jpg", "b/1.jpg"] and len(tree(tmp_path / "mine")) == 2


def test_a_folder_with_train_alone_keeps_it(tmp_path):
    out = sources.fetch(
        "paper", tmp_path / "out", packed(tmp_path / "z.zip", **{"train/a/1.jpg": b"x", "train/b/1.jpg": b"x"})
    )
    assert tree(out) == ["train/a/1.jpg", "train/b/1.jpg"]


def test_photos_already_there_are_never_overwritten(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.jpg").touch()
    assert "already holds something" in refusal("paper", tmp_path / "out", clothes(tmp_path / "my.zip"))
    (tmp_path / "out" / "mine.jpg").unlink()
    assert sources.fetch("paper", tmp_path / "out", tmp_path / "my.zip") == tmp_path / "out"  # an empty folder will do


def test_what_is_not_there_or_holds_no_classes_is_a_sentence(tmp_path):
    assert "There is no" in refusal("paper", tmp_path / "out", tmp_path / "gone.zip")
    flat = packed(tmp_path / "flat.zip", **{"1.jpg": jpeg()})
    assert "no class folders" in refusal("paper", tmp_path / "out", flat)
    assert "choose paper or clothing" in refusal("shoes", tmp_path / "out")
    assert not (tmp_path / "out").exists()


# ---- zips that mean harm


@pytest.mark.parametrize("name", ["../evil.jpg", "a/../../evil.jpg", "/tmp/evil.jpg", "C:/evil.jpg", "..\\evil.jpg"])
def test_a_zip_that_reaches_outside_is_refused_whole(tmp_path, name):
    file = packed(tmp_path / "bad.zip", **{"a/1.jpg": jpeg(), "b/1.jpg": jpeg(), name: b"evil"})
    assert "would land outside its folder" in refusal("paper", tmp_path / "in" / "out", file)
    assert tree(tmp_path) == ["bad.zip"]


def test_a_link_in_a_zip_is_refused(tmp_path):
    link = zipfile.ZipInfo("a/passwords.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as bundle:
        bundle.writestr(link, "/etc/passwd")
    assert "is a link or device" in refusal("paper", tmp_path / "out", tmp_path / "bad.zip")
    assert not (tmp_path / "out").exists()


def test_a_zip_bomb_is_refused_before_it_unpacks(tmp_path):
    with (
        zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as bundle,
        bundle.open("a/1.bmp", "w") as file,
    ):
        for _ in range(120):
            file.write(bytes(1 << 20))
    assert "unpacks to 120 MB, far more than photos ever would" in refusal(
        "paper", tmp_path / "out", tmp_path / "bomb.zip"
    )


def test_too_many_files_and_too_little_room_are_refused(tmp_path, monkeypatch):
    file = clothes(tmp_path / "my.zip")
    monkeypatch.setattr(sources, "MAX_FILES", 8)
    assert "is too large: 9 files" in refusal("paper", tmp_path / "out", file)
    monkeypatch.setattr(sources, "MAX_FILES", 9)
    monkeypatch.setattr(sources.shutil, "disk_usage", lambda _: types.SimpleNamespace(free=100))
    assert "free some room first" in refusal("paper", tmp_path / "out", file)


def test_a_broken_a_locked_and_a_doubled_zip_are_sentences(tmp_path):
    whole = clothes(tmp_path / "whole.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    flipped = bytearray(whole)
    flipped[60:90] = bytes(30)
    (tmp_path / "flipped.zip").write_bytes(flipped)
    locked = bytearray(whole)
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # the flag that says "encrypted", in both headers
        locked[locked.find(mark) + place] |= 1
    (tmp_path / "locked.zip").write_bytes(locked)
    with zipfile.ZipFile(tmp_path / "doubled.zip", "w") as bundle, pytest.warns(UserWarning, match="Duplicate"):
        bundle.writestr("a/1.jpg", b"x")
        bundle.writestr("a/1.jpg", b"y")
    for name, expected in (
        ("cut", "no whole zip"),
        ("flipped", "no whole zip"),
        ("locked", "password"),
        ("doubled", "twice"),
    ):
        assert expected in refusal("paper", tmp_path / "out", tmp_path / f"{name}.zip")
    assert not [file for file in tmp_path.iterdir() if file.suffix != ".zip"]


def test_sources_are_told_apart_without_loading_kagglehub():
    import subprocess

    code = "import sys; import fashion_core.photos.sources; assert 'kagglehub' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[1], check=False).returncode == 0


# ---- products


def catalogue(folder: Path, colours: dict[str, int], inside: bool = True) -> Path:
    """A zip of images/<id>.jpg with its table, inside it or beside it: {colour: how many Track Pants}."""
    rows, entries = ["id,articleType,baseColour,productDisplayName"], {}
    for colour, count in colours.items():
        for _ in range(count):
            number = len(entries) + 1
            rows.append(f"{number},Track Pants,{colour},Pants")
            entries[f"images/{number}.jpg"] = jpeg()
    table = "\n".join([*rows, f"{len(entries) + 1},Track Pants,Red,no photo", "7,one,comma,too,many"])
    if inside:
        return packed(folder / "products.zip", **entries, **{"styles.csv": table.encode()})
    (folder / "products.csv").write_text(table)
    return packed(folder / "products.zip", **entries)


@pytest.mark.parametrize("inside", [True, False])
def test_products_are_sorted_by_colour_and_article(tmp_path, home, inside):
    archive = catalogue(tmp_path, {"Navy Blue": 6, "Red": 5, "Gold": 4}, inside)
    out = sources.fetch("products", tmp_path / "out", archive)
    assert {name.rpartition("/")[0] for name in tree(out)} == {"train/navy-blue_track-pants", "train/red_track-pants"}
    assert len(tree(out)) == 11  # four photos of gold are too few for a class


def test_a_large_class_of_products_holds_some_photos_back(tmp_path, home):
    out = sources.fetch("products", tmp_path / "out", catalogue(tmp_path, {"Blue": 300, "Red": 40}))
    parts = {part: len(tree(out / part)) for part in ("train", "validation", "test")}
    assert sum(parts.values()) == 340 and 0 < parts["validation"] < 20 and 0 < parts["test"] < 20
    assert (out / "train" / "red_track-pants").is_dir() and not (out / "test" / "red_track-pants").exists()


def test_products_leave_out_what_a_later_test_holds(tmp_path, home):
    archive = catalogue(tmp_path, {"Blue": 12, "Red": 12})
    whole = sources.fetch("products", tmp_path / "whole", archive)
    known = tmp_path / "apparel" / "blue_pants"
    known.mkdir(parents=True)
    for number in (3, 4):  # the same pictures, saved anew
        photo = Image.open(whole / "train" / "blue_track-pants" / f"{number}.jpg")
        photo.save(known / f"mine {number}.jpg", quality=95)
    out = sources.fetch("products", tmp_path / "out", archive, without=tmp_path / "apparel")
    gone = {Path(name).name for name in tree(whole)} - {Path(name).name for name in tree(out)}
    assert gone == {"3.jpg", "4.jpg"}


def test_products_without_their_table_are_a_sentence(tmp_path):
    assert "CSV" in refusal("products", tmp_path / "out", clothes(tmp_path / "clothes.zip"))
    assert not (tmp_path / "out").exists()
