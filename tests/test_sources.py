"""Promises of sources: what you have is taken safely, what cannot be had is one sentence with what to do."""

import inspect
import io
import stat
import sys
import tarfile
import textwrap
import threading
import types
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fashion_core import UserError, paper
from fashion_core.cli import main
from fashion_core.photos import archive, sources


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


@pytest.fixture
def kagglehub(tmp_path, monkeypatch):
    """Stand in for kagglehub: `kagglehub(body)` makes `body` its dataset_download(handle)."""

    def stand_in(body: str) -> None:
        package = tmp_path / "packages" / "kagglehub"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(f"def dataset_download(handle):\n{textwrap.indent(body, '    ')}\n")
        (package / "clients.py").write_text("from tqdm import tqdm\n")
        monkeypatch.setenv("PYTHONPATH", str(package.parent))

    return stand_in


@pytest.mark.parametrize(
    ("failure", "why"),
    [
        ("raise ConnectionError(\"Failed to resolve 'api.kaggle.com'\")", "no connection to the internet"),
        ("error = Exception(); error.response = type('R', (), {'status_code': 403}); raise error",
         "the site asks for an account with the right to it"),
        ("raise RuntimeError('something\\n new ')", "something new"),
        ("import os; os._exit(3)", "it ended without an answer"),
    ],
)  # fmt: skip
def test_kaggle_failing_in_any_way_is_one_sentence(tmp_path, kagglehub, failure, why):
    kagglehub(failure)
    said = refusal("paper", tmp_path / "out")
    assert f"({why})" in said and "https://www.kaggle.com/datasets/shreyanshverma27/new-data-fashion" in said
    assert "fetch paper" in said and "\n" not in said and [file.name for file in tmp_path.iterdir()] == ["packages"]


def test_kaggle_reports_progress_and_its_folder_is_copied(tmp_path, kagglehub):
    cache = tmp_path / "cache"
    for label in paper.CLASSES:
        (cache / "dataset" / label).mkdir(parents=True)
        (cache / "dataset" / label / "1.jpg").write_bytes(jpeg())
    kagglehub(
        "from kagglehub import clients\n"
        "assert handle == 'shreyanshverma27/new-data-fashion'\n"
        "print('chatter')\n"
        "with clients.tqdm(total=6 << 20) as bar:\n"
        "    bar.update(2 << 20)\n"
        "    bar.update(4 << 20)\n"
        f"return {str(cache)!r}"
    )
    told = []
    out = sources.fetch("paper", tmp_path / "out", progress=lambda *args: told.append(args))
    assert tree(out) == [f"{label}/1.jpg" for label in paper.CLASSES] == tree(cache / "dataset")
    assert told[:2] == [(2, 6, "Downloading, MB"), (6, 6, "Downloading, MB")]


def test_a_download_ends_with_the_person_who_waits_for_it(tmp_path, kagglehub):
    kagglehub(
        "import time\n"
        "from kagglehub import clients\n"
        "with clients.tqdm(total=6) as bar:\n"
        "    bar.update(2)\n"
        "    time.sleep(600)"
    )

    class Left(Exception):
        pass

    def leave(*_):
        raise Left

    with pytest.raises(Left):
        sources.fetch("paper", tmp_path / "out", progress=leave)
    assert [file.name for file in tmp_path.iterdir()] == ["packages"]


def test_the_real_kagglehub_has_the_bar_that_is_replaced():
    from kagglehub import clients

    assert "tqdm(" in inspect.getsource(clients._download_file)


# ---- what you have


def test_a_zip_you_have_is_taken_in_place_of_the_download(tmp_path):
    out = sources.fetch("clothing", tmp_path / "out", clothes(tmp_path / "my.zip"))
    assert len(tree(out)) == 9 and (tmp_path / "my.zip").exists()


def test_a_folder_you_have_is_copied_and_stays(tmp_path):
    for label in ("a", "b"):
        (tmp_path / "mine" / "wrap" / label).mkdir(parents=True)
        (tmp_path / "mine" / "wrap" / label / "1.jpg").write_bytes(jpeg())
    out = sources.fetch("clothing", tmp_path / "out", tmp_path / "mine")
    assert tree(out) == ["a/1.jpg", "b/1.jpg"] and len(tree(tmp_path / "mine")) == 2


def test_a_folder_with_train_alone_keeps_it(tmp_path):
    out = sources.fetch(
        "clothing", tmp_path / "out", packed(tmp_path / "z.zip", **{"train/a/1.jpg": b"x", "train/b/1.jpg": b"x"})
    )
    assert tree(out) == ["train/a/1.jpg", "train/b/1.jpg"]


def test_photos_already_there_are_never_overwritten(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.jpg").touch()
    assert "already holds something" in refusal("paper", tmp_path / "out", clothes(tmp_path / "my.zip"))
    (tmp_path / "out" / "mine.jpg").unlink()
    assert sources.fetch("clothing", tmp_path / "out", tmp_path / "my.zip") == tmp_path / "out"  # an empty folder will


def test_what_is_not_there_or_holds_no_classes_is_a_sentence(tmp_path):
    assert "There is no" in refusal("paper", tmp_path / "out", tmp_path / "gone.zip")
    flat = packed(tmp_path / "flat.zip", **{"1.jpg": jpeg()})
    assert "no class folders" in refusal("clothing", tmp_path / "out", flat)
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
    monkeypatch.setattr(archive, "MAX_FILES", 8)
    assert "is too large: 9 files" in refusal("paper", tmp_path / "out", file)
    monkeypatch.setattr(archive, "MAX_FILES", 9)
    monkeypatch.setattr(archive.shutil, "disk_usage", lambda _: types.SimpleNamespace(free=100))
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


# ---- other archives, other names


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "tar.bz2", "tar.xz"])
def test_a_tar_you_have_is_taken_too(tmp_path, kind):
    for label in ("a", "b"):
        (tmp_path / "mine" / label).mkdir(parents=True)
        (tmp_path / "mine" / label / "1.jpg").write_bytes(jpeg())
    with tarfile.open(tmp_path / f"mine.{kind}", f"w:{kind[4:]}") as bundle:
        bundle.add(tmp_path / "mine", "mine")
    assert tree(sources.take(tmp_path / f"mine.{kind}", tmp_path / "out")) == ["a/1.jpg", "b/1.jpg"]


@pytest.mark.parametrize(
    ("name", "kind", "why"),
    [("../evil.jpg", tarfile.REGTYPE, "outside"), ("/evil.jpg", tarfile.REGTYPE, "outside"),
     ("a/x.jpg", tarfile.SYMTYPE, "link or device"), ("a/x.jpg", tarfile.LNKTYPE, "link or device"),
     ("a/x.jpg", tarfile.FIFOTYPE, "link or device")],
)  # fmt: skip
def test_a_tar_that_reaches_outside_is_refused_whole(tmp_path, name, kind, why):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, "/etc/passwd"
    with tarfile.open(tmp_path / "bad.tar", "w") as bundle:
        bundle.addfile(tarfile.TarInfo("a/1.jpg"))
        bundle.addfile(info)
    with pytest.raises(UserError, match=why):
        sources.take(tmp_path / "bad.tar", tmp_path / "out")
    assert tree(tmp_path) == ["bad.tar"]


def test_a_name_that_no_disk_can_take_is_a_sentence(tmp_path):
    info = tarfile.TarInfo("hat/1.jpg")
    info.pax_headers = {"path": "hat/\0.jpg"}
    with tarfile.open(tmp_path / "bad.tar", "w", format=tarfile.PAX_FORMAT) as bundle:
        bundle.addfile(info)
    with pytest.raises(UserError, match="is the name of no file"):
        sources.take(tmp_path / "bad.tar", tmp_path / "out")
    assert tree(tmp_path) == ["bad.tar"]


@pytest.mark.parametrize(
    ("head", "said"),
    [(b"Rar!\x1a\x07\x01\0", "is a RAR archive"), (b"7z\xbc\xaf\x27\x1c\0\x04", "is a 7-Zip archive"),
     (b"\x1f\x8b\x08 cut short", "no whole zip file, nor a whole tar"), (b"", "no whole zip file")],
)  # fmt: skip
def test_archives_of_other_kinds_say_what_they_are(tmp_path, head, said):
    (tmp_path / "my.archive").write_bytes(head)
    assert said in refusal("paper", tmp_path / "out", tmp_path / "my.archive")


@pytest.mark.parametrize("kind", ["tar", "tar.gz"])
@pytest.mark.parametrize("length", [600, 3000, 5632, 5800, 10_752, 11_000])  # in a file, in a header, between files
def test_a_tar_that_was_cut_is_a_sentence(tmp_path, kind, length):
    file = tmp_path / f"my.{kind}"
    with tarfile.open(file, f"w:{kind[4:]}") as bundle:
        for number, label in enumerate("abc"):
            info = tarfile.TarInfo(f"{label}/1.jpg")
            info.size = 5000
            bundle.addfile(info, io.BytesIO(np.random.default_rng(number).bytes(5000)))
    file.write_bytes(file.read_bytes()[:length])
    assert "no whole" in refusal("paper", tmp_path / "out", file) and not (tmp_path / "out").exists()


def test_a_zip_with_backslashes_has_folders(tmp_path):
    file = packed(tmp_path / "my.zip", **{"set\\a\\1.jpg": jpeg(), "set\\b\\1.jpg": jpeg(), "set\\empty\\": b""})
    assert tree(sources.take(file, tmp_path / "out")) == ["a/1.jpg", "b/1.jpg"]


def test_what_a_system_left_in_a_zip_or_folder_is_not_taken(tmp_path):
    entries = {
        "a/1.jpg": jpeg(),
        "b/1.jpg": jpeg(),
        "__MACOSX/a/._1.jpg": b"x",
        "a/@eaDir/1.jpg": b"x",
        "b/.DS_Store": b"",
    }
    assert tree(sources.take(packed(tmp_path / "my.zip", **entries), tmp_path / "out")) == ["a/1.jpg", "b/1.jpg"]
    for name, content in entries.items():
        (tmp_path / "mine" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mine" / name).write_bytes(content)
    assert tree(sources.take(tmp_path / "mine", tmp_path / "again")) == ["a/1.jpg", "b/1.jpg"]


class Unmarked(zipfile.ZipInfo):
    """An entry whose name is written in `encoding` and not marked as UTF-8."""

    encoding = ""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:
        return self.filename.encode(self.encoding), self.flag_bits & ~0x800


def foreign(file: Path, names: list[str], encoding: str) -> Path:
    with zipfile.ZipFile(file, "w") as bundle:
        for name in names:
            info = Unmarked(name)
            info.encoding = encoding
            bundle.writestr(info, jpeg())
    return file


@pytest.mark.parametrize(
    ("labels", "encoding"),
    [
        (("黑色连衣裙", "蓝色裤子"), "gbk"),
        (("黒いドレス", "青い靴"), "shift_jis"),
        (("ソックス", "表"), "shift_jis"),  # their second byte is a backslash
        (("robe_été", "chaussure"), "cp437"),
        (("Kleid_grün", "Schuhe"), "cp850"),
        (("платье", "Юбка"), "cp866"),
        (("robe_été", "ROBE_ÉTÉ"), "cp1252"),
        (("Юбка", "Платье"), "cp866"),
        (("T恤", "连衣裙"), "gbk"),
        (("robe_été", "黑色"), "utf-8"),  # as macOS packs: UTF-8, not marked
    ],
)
def test_names_of_other_systems_are_read_as_they_were_written(tmp_path, labels, encoding):
    file = foreign(tmp_path / "my.zip", [f"{label}/1.jpg" for label in labels], encoding)
    assert tree(sources.take(file, tmp_path / "out")) == sorted(f"{label}/1.jpg" for label in labels)


@pytest.mark.parametrize(
    ("names", "encoding", "said"),
    [
        (["검은_드레스/1.jpg", "b/1.jpg"], "euc_kr", "may be "),
        (["юбка/1.jpg", "b/1.jpg"], "cp1251", "may be "),
        (["łódź/1.jpg", "b/1.jpg"], "cp852", "unknown encoding"),
    ],
)
def test_names_that_cannot_be_told_are_asked_about_not_guessed(tmp_path, names, encoding, said):
    assert said in refusal("paper", tmp_path / "out", foreign(tmp_path / "my.zip", names, encoding))
    assert not (tmp_path / "out").exists()


def test_a_name_too_long_for_the_disk_is_named(tmp_path):
    said = refusal(
        "paper", tmp_path / "out", packed(tmp_path / "my.zip", **{f"a/{'x' * 300}.jpg": b"", "b/1.jpg": b""})
    )
    assert "xxx.jpg: File name too long" in said and ".partial" not in said and "\n" not in said


# ---- the paper's set: ten classes, or 24 with the ten among them

OTHERS = {"brown": "pants shoes shorts", "green": "pants shirt shoes shorts", "red": "dress pants shoes",
          "white": "dress pants shoes shorts"}  # fmt: skip
ALL_24 = sorted([*paper.CLASSES, *(f"{colour}_{garment}" for colour, its in OTHERS.items() for garment in its.split())])


def apparel(file: Path, classes=paper.CLASSES, name="{label}/{n}.jpg", photos=2, **more: bytes) -> Path:
    """A zip of `photos` photos a class, each under `name`."""
    return packed(file, **{name.format(label=label, n=n): jpeg() for label in classes for n in range(photos)}, **more)


def fetched(archive: Path, out: Path, **options) -> tuple[list[str], list[str]]:
    """The class folders that `fetch paper` makes, and the sentences that it says."""
    said: list[str] = []
    sources.fetch("paper", out, archive, say=said.append, **options)
    return sorted({str(Path(name).parent) for name in tree(out)}), said


def test_of_the_24_classes_the_papers_ten_are_taken_and_the_rest_named(tmp_path):
    assert len(ALL_24) == 24
    classes, said = fetched(apparel(tmp_path / "my.zip", ALL_24), tmp_path / "out")
    assert classes == list(paper.CLASSES)
    assert "14 other folders left out: brown_pants, " in said[0] and "--all-colours" in said[0]


def test_all_24_are_taken_where_they_are_asked_for(tmp_path):
    classes, said = fetched(apparel(tmp_path / "my.zip", ALL_24), tmp_path / "out", all_colours=True)
    assert classes == ALL_24 and len(said) == 1
    assert "goes with paper" in refusal("clothing", tmp_path / "other", tmp_path / "my.zip", all_colours=True)


def test_ten_classes_are_taken_whole_with_what_lies_beside_them(tmp_path):
    archive = apparel(tmp_path / "my.zip", name="data/set/{label}/{n}.jpg", **{"data/LICENSE.txt": b"free"})
    out = sources.fetch("paper", tmp_path / "out", archive)
    assert len(tree(out)) == 21 and (out / "LICENSE.txt").read_bytes() == b"free"


@pytest.mark.parametrize(
    "name", ["Apparel Images/{label}/{n}.jpg", "a/b/{label}/deep/{n}.jpg", "{nested}/{n}.jpg", "data/{nested}/{n}.jpg",
             "{spaced}/{n}.JPG", "{hyphened}/{n}.jpg"],
)  # fmt: skip
def test_the_classes_are_known_however_their_folders_are_written(tmp_path, name):
    entries = {}
    for label in paper.CLASSES:
        colour, garment = label.split("_")
        ways = {"label": label, "nested": f"{colour.upper()}/{garment}", "spaced": label.replace("_", " ").title(),
                "hyphened": label.replace("_", "-").upper()}  # fmt: skip
        entries |= {name.format(n=n, **ways): jpeg() for n in range(2)}
    classes, _ = fetched(packed(tmp_path / "my.zip", **entries), tmp_path / "out")
    assert [name.removesuffix("/deep") for name in classes] == list(paper.CLASSES)


def test_a_split_in_the_set_stays(tmp_path):
    entries = {f"set/{part}/{label.replace('_', ' ')}/{part}.jpg": jpeg() for part in ("Training", "Test")
               for label in paper.CLASSES}  # fmt: skip
    classes, said = fetched(packed(tmp_path / "my.zip", **entries), tmp_path / "out")
    assert classes == sorted(f"{part}/{label}" for part in ("test", "train") for label in paper.CLASSES)
    assert "20 photos of its 5,993" in said[0]
    mixed = packed(tmp_path / "mixed.zip", **entries, **{"black_dress/1.jpg": jpeg()})
    assert "some do not: give the folder" in refusal("paper", tmp_path / "two", mixed)


def test_two_folders_of_a_class_lose_no_photo_and_keep_none_twice(tmp_path):
    one, other = jpeg(), jpeg()
    more = {"again/black_dress/0.jpg": one, "Black Dress/0.jpg": other, "more/Black Dress/0.jpg": one}
    out = sources.fetch("paper", tmp_path / "out", apparel(tmp_path / "my.zip", paper.CLASSES[1:], **more))
    assert {file.read_bytes() for file in (out / "black_dress").iterdir()} == {one, other}
    assert len(tree(out / "black_dress")) == 2


def test_a_set_without_the_ten_classes_is_refused_and_says_what_to_give(tmp_path):
    said = refusal("paper", tmp_path / "out", apparel(tmp_path / "few.zip", paper.CLASSES[:8]))
    assert "2 of the paper's ten classes have no folder in it (blue_shoes, blue_shorts)" in said and "\n" not in said
    assert "10 of the paper's ten" in refusal("paper", tmp_path / "out", clothes(tmp_path / "my.zip"))
    assert "10 of the paper's ten" in refusal("paper", tmp_path / "out", packed(tmp_path / "f.zip", **{"1.jpg": b"x"}))
    assert not (tmp_path / "out").exists()


def test_counts_that_differ_from_the_papers_are_said_by_class(tmp_path):
    entries = {"Black_Dress/one more.jpg": jpeg(), "black_dress/notes.txt": b"no photo"}
    _, said = fetched(apparel(tmp_path / "my.zip", photos=1, **entries), tmp_path / "out")
    assert said == [paper.count_difference(dict.fromkeys(paper.CLASSES, 1) | {"black_dress": 2})]
    assert "11 photos of its 5,993, 5,982 fewer (black dress 448 fewer, black pants 870 fewer" in said[0]


def test_fetch_prints_the_counts_beside_the_papers_and_the_folder_alone_on_stdout(tmp_path, capsys):
    archive = apparel(tmp_path / "my.zip", [*paper.CLASSES, "red_dress"])
    assert main(["fetch", "paper", str(tmp_path / "out"), "--from", str(archive), "--all-colours"]) == 0
    out, table = capsys.readouterr()
    assert out == f"{tmp_path / 'out'}\n"
    rows = [line.split() for line in table.splitlines()]
    assert ["black_dress", "450", "2"] in rows and ["red_dress", "-", "2"] in rows and ["all", "5,993", "22"] in rows
    assert "The counts differ from the paper's" in table


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
