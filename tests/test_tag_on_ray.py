"""`tag --ray`: a cluster makes the table that one process makes, also where a worker is killed on the way."""

import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import psutil
import pytest
from browser import ROOT

from fashion_core import UserError
from fashion_core.cli import main
from fashion_core.models import tagging, tagging_on_ray
from fashion_core.models.predictor import Predictor
from fashion_core.photos import listing, sample

MODEL = ROOT / "weights" / "sample-mobilenet"
SMALL_PARTS = """
import sys
from fashion_core.cli import main
from fashion_core.models import tagging
tagging.PART = 4
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    """Ninety sample photos, and a text that calls itself a photo."""
    root = tmp_path_factory.mktemp("ray") / "shop"
    sample.render(root, per_class=9)
    (root / "broken.jpg").write_text("no photo")
    return root


def workers_of(driver: int) -> list[psutil.Process]:
    return [each for each in psutil.Process(driver).children(recursive=True) if "MapWorker" in " ".join(each.cmdline())]


def kill_one_worker(driver: subprocess.Popen, parts: Path) -> int:
    """SIGKILL for a worker of the cluster once a part is made; its process id."""
    while driver.poll() is None:
        if list(parts.glob("[0-9]*.parquet")) and (found := workers_of(driver.pid)):
            found[0].kill()
            return found[0].pid
        time.sleep(0.02)
    raise AssertionError(driver.communicate()[1])


def test_two_workers_one_of_them_killed_make_the_table_of_one_process(photos, tmp_path):
    assert main(["tag", str(MODEL), str(photos), "--out", str(tmp_path / "alone.parquet")]) == 1
    out = tmp_path / "cluster.parquet"
    command = [
        sys.executable,
        "-c",
        SMALL_PARTS,
        "tag",
        MODEL,
        photos,
        "--out",
        out,
        "--ray",
        "local",
        "--workers",
        "2",
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as driver:
        killed = kill_one_worker(driver, tmp_path / "cluster.parquet.parts")
        unfinished = not out.exists()
        said, errors = driver.communicate()
    assert unfinished and not psutil.pid_exists(killed)
    assert driver.returncode == 1 and said == f"{out}\n", errors
    assert "91 photos, 1 that cannot be read" in errors and "Traceback" not in errors
    pd.testing.assert_frame_equal(pd.read_parquet(out), pd.read_parquet(tmp_path / "alone.parquet"))
    assert not (tmp_path / "cluster.parquet.parts").exists()


@pytest.mark.parametrize(
    ("machines", "asked", "cores", "workers"),
    [
        ([2], None, 2, 1),
        ([2], 2, 1, 2),
        ([16, 16], None, 8, 4),
        ([4, 16], None, 4, 5),
        ([0, 8], 3, 2, 3),
        ([], None, 1, 1),
    ],
)
def test_the_workers_share_the_cores_of_the_machines(machines, asked, cores, workers):
    assert tagging_on_ray._shares(machines, asked) == (cores, workers)


def test_a_worker_that_sees_other_photos_says_so(photos, tmp_path):
    with listing.opened(photos) as found:
        work = tagging.Work.of(Predictor(MODEL, "float32"), found, tmp_path, 4)
    worker = tagging_on_ray._Worker(MODEL, "float32", photos, tmp_path, 4)
    worker({"number": np.array([0]), "digest": np.array([work.digest(0)])})
    assert work.is_done(0, work.digest(0))
    with pytest.raises(UserError, match="other photos or another model") as refused:
        worker({"number": np.array([0]), "digest": np.array(["another"])})
    behind = SimpleNamespace(cause=SimpleNamespace(cause=None, __cause__=refused.value))
    assert tagging_on_ray._reason(behind) == str(refused.value)
    assert "The same command goes on" in tagging_on_ray._reason(RuntimeError())


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (["--workers", "2"], "give --ray too"),
        (["--ray", "local", "--workers", "0"], "1 or more"),
        (["--ray", "nowhere:1"], "No Ray cluster answers at nowhere:1"),
    ],
)
def test_a_mistake_is_one_sentence(asked, sentence, photos, tmp_path, capfd):
    assert main(["tag", str(MODEL), str(photos), "--out", str(tmp_path / "a.parquet"), *asked]) == 2
    said = capfd.readouterr().err
    assert sentence in said and "Traceback" not in said and said.count("\n") == 1


def test_without_ray_it_says_how_to_get_it(photos, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert main(["tag", str(MODEL), str(photos), "--out", str(tmp_path / "a.parquet"), "--ray", "local"]) == 2
    assert "pip install 'busana[ray]'" in capsys.readouterr().err
