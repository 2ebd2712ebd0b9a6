"""One version, one list of what is needed, locks that hold it, and a wheel that works from any folder without torch."""

import os
import re
import socket
import subprocess
import sys
import sysconfig
import time
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from importlib.metadata import packages_distributions, requires
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest
from browser import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from playwright.sync_api import Page, expect
from project_files import FILES, imported, tracked_files

import fashion_core

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
LISTS = {"requirements": PROJECT["dependencies"] + EXTRAS["train"], "tests/requirements": EXTRAS["test"]}
# Imported without being asked for: a package that is asked for brings it, always.
BROUGHT = {"numpy": "pandas", "scipy": "scikit-learn", "imagehash": "cleanvision", "starlette": "streamlit"}
ENTRY = re.compile(r"^([a-z0-9-]+)==(\S+)( ; .+)? \\\n((?: {4}--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE)
WITHOUT_TRAIN = "import sys; sys.modules.update(dict.fromkeys(('torch', 'torchvision', 'timm', 'kagglehub')))\n"


def read(lines: list[str]) -> set[tuple[str, str]]:
    """Requirements as (name, versions), so that neither order nor spelling counts."""
    wanted = [Requirement(line) for line in lines]
    return {(canonicalize_name(one.name), str(one.specifier)) for one in wanted}


def locked(name: str) -> dict[str, str]:
    """Package to version in NAME.lock."""
    return {match[1]: match[2] for match in ENTRY.finditer((ROOT / f"{name}.lock").read_text())}


# ---- what is needed


@pytest.mark.parametrize("name", LISTS)
def test_the_lists_and_the_project_name_the_same_packages(name):
    lines = (ROOT / f"{name}.txt").read_text().split()
    assert read(lines) == read(LISTS[name])
    assert len(lines) == len(LISTS[name])


@pytest.mark.parametrize("name", LISTS)
def test_the_lock_holds_every_package_of_the_list_with_hashes_and_no_address(name):
    text, versions = (ROOT / f"{name}.lock").read_text(), locked(name)
    rest = re.sub(r"^#.*\n", "", ENTRY.sub("", text), flags=re.MULTILINE)
    assert rest == "", "each line is part of a package with at least one hash"
    assert "://" not in text
    for line in LISTS[name]:
        wanted = Requirement(line)
        assert versions[canonicalize_name(wanted.name)] in wanted.specifier, line


def test_no_version_in_the_lock_is_one_that_an_advisory_names():
    least = dict(re.findall(r"^\| ([a-z0-9-]+) \| ([0-9.]+) \|", (ROOT / "SECURITY.md").read_text(), re.M))
    assert set(least) == {"pillow", "starlette", "streamlit", "torch"}
    versions = locked("requirements")
    assert [name for name in least if Version(str(versions[name])) < Version(least[name])] == []


def test_the_two_locks_agree():
    app, tests = locked("requirements"), locked("tests/requirements")
    assert {name: app[name] for name in app.keys() & tests.keys()} == {
        name: tests[name] for name in app.keys() & tests.keys()
    }


EXTRAS = ("kagglehub", "ray")  # imported where they are asked for, with a sentence where they are not installed


def test_what_shows_and_predicts_imports_only_what_the_light_install_brings():
    known = packages_distributions()
    asked = {name for name, _ in read(PROJECT["dependencies"])}
    for name, by in BROUGHT.items():
        always = [Requirement(line) for line in requires(by) if "extra ==" not in line]
        assert by in asked and name in {canonicalize_name(one.name) for one in always}
    for file in [file for file in FILES if not file.startswith("fashion_core/engine/")]:
        for module, waits in imported(file, (ROOT / file).read_text()):
            top = module.partition(".")[0]
            if top in sys.stdlib_module_names or top in ("fashion_core", "pages") or (top in EXTRAS and waits):
                continue
            names = {canonicalize_name(name) for name in known[top]}
            assert names & (asked | BROUGHT.keys()), f"{file} imports {module}"


def test_make_installs_from_the_locks():
    plan = subprocess.run(
        ["make", "--always-make", "--dry-run", "test"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for name in LISTS:
        assert f"--require-hashes --only-binary :all: -r {name}.lock" in plan


# ---- releases


def test_the_newest_release_in_the_changelog_is_this_version_and_the_others_have_their_day():
    headings = re.findall(r"^## (\S+) \((.+)\)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    version = Version(fashion_core.__version__)
    assert Version(headings[0][0]) == Version(version.base_version)
    assert (headings[0][1] == "unreleased") == version.is_devrelease
    days = [date.fromisoformat(day) for _, day in headings if day != "unreleased"]
    assert len(days) >= len(headings) - 1 and days == sorted(days, reverse=True)
    numbers = [Version(name) for name, _ in headings]
    assert numbers == sorted(set(numbers), reverse=True)


def test_the_version_is_written_once():
    assert PROJECT["dynamic"] == ["version"] and "version" not in PROJECT


def test_the_workflow_runs_what_every_machine_runs():
    workflow = (ROOT / ".github/workflows/ci.yml").read_text()
    assert re.search(r"^ +- run: bash \.ci/run$", workflow, re.MULTILINE)
    assert "actions/checkout@" in workflow and "actions/setup-python@" in workflow
    oldest = PROJECT["requires-python"].removeprefix(">=")
    assert f'"{oldest}"' in workflow


# ---- the wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built as `pip install .` builds it, but with the tools that are here: no network."""
    out = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--wheel-dir", str(out)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", str(ROOT), *options], check=True)
    return next(out.glob("busana-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The `bin` of an environment with the wheel in it. Its packages are borrowed from ours, less those of `train`."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    paths = sysconfig.get_paths(vars={"base": str(folder), "platbase": str(folder)})
    ours = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    Path(paths["purelib"], "borrowed.pth").write_text("\n".join(sorted(ours)) + f"\n{WITHOUT_TRAIN}")
    python = Path(paths["scripts"], "python")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--ignore-installed", str(wheel)], check=True)
    return python.parent


def environment(**more: str) -> dict[str, str]:
    """Ours without what would lead back to the checkout."""
    return {key: value for key, value in os.environ.items() if key not in ("BUSANA_HOME", "PYTHONPATH")} | more


def run(installed: Path, cwd: Path, *command: str, **more: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [installed / command[0], *command[1:]], cwd=cwd, env=environment(**more), capture_output=True, text=True
    )


def test_the_wheel_holds_the_package_the_pages_and_the_settings_and_nothing_else(wheel):
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    package = {file for file in tracked_files() if file.startswith("fashion_core/")}
    shipped = {
        f"fashion_core/_app/{file}" for file in tracked_files() if file.startswith(("app.py", "pages/", ".streamlit/"))
    }
    assert package | shipped <= names
    for other in names - package - shipped:  # an empty __init__.py, or a module that git does not know yet
        assert (ROOT / other.replace("_app/pages", "../pages")).is_file() and other.endswith(".py"), other


def test_the_wheel_says_its_version_its_command_and_that_torch_is_an_extra(wheel):
    with zipfile.ZipFile(wheel) as archive:
        told = {Path(name).name: name for name in archive.namelist() if ".dist-info/" in name}
        about = archive.read(told["METADATA"]).decode()
        assert "busana = fashion_core.__main__:main" in archive.read(told["entry_points.txt"]).decode()
    assert f"\nVersion: {fashion_core.__version__}\n" in about
    asked = [Requirement(line) for line in re.findall(r"^Requires-Dist: (.+)$", about, re.MULTILINE)]
    base = {canonicalize_name(one.name) for one in asked if one.marker is None or one.marker.evaluate({"extra": ""})}
    assert base == {name for name, _ in read(PROJECT["dependencies"])}
    assert not base & {"torch", "torchvision", "timm", "kagglehub"}
    assert not any("efficientnet" in name for name in base)


# ---- home


def test_in_a_checkout_home_is_the_checkout(monkeypatch, tmp_path):
    monkeypatch.delenv("BUSANA_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    assert fashion_core.home() == ROOT
    monkeypatch.setenv("BUSANA_HOME", str(tmp_path))
    assert fashion_core.home() == tmp_path


def test_installed_home_is_the_working_folder_or_the_one_that_is_named(installed, tmp_path):
    ask = ["python", "-c", "import fashion_core; print(fashion_core.__file__, fashion_core.home(), sep='\\n')"]
    file, home = run(installed, tmp_path, *ask).stdout.split("\n")[:2]
    assert ROOT not in Path(file).parents, "it is the wheel's"
    assert Path(home) == tmp_path
    named = tmp_path / "elsewhere"
    assert run(installed, tmp_path, *ask, BUSANA_HOME=str(named)).stdout.split("\n")[1] == str(named)
    site = Path(file).parents[1]
    assert not any((site / name).exists() for name in ("runs", "weights", "data", "pages", "app.py"))


# ---- the command


def test_busana_lists_the_commands_app_among_them(installed, tmp_path):
    shown = run(installed, tmp_path, "busana", "--help").stdout
    assert shown.startswith("usage: busana ")
    same = run(installed, tmp_path, "python", "-m", "fashion_core", "--help").stdout
    assert same.startswith("usage: python -m fashion_core ")
    for command in ("app", "train", "predict"):
        assert re.search(rf"^ +{command} ", shown, re.MULTILINE) and re.search(rf"^ +{command} ", same, re.MULTILINE)


def test_only_app_takes_options_that_we_do_not_know(installed, tmp_path):
    answer = run(installed, tmp_path, "busana", "check", ".", "--server.port", "1")
    assert answer.returncode == 2 and "unrecognized arguments: --server.port 1" in answer.stderr


def test_without_the_extra_one_predicts_and_is_told_what_training_needs(installed, tmp_path):
    assert run(installed, tmp_path, "busana", "sample", "photos", "--per-class", "1").returncode == 0
    model, photo = str(ROOT / "weights/sample-mobilenet"), next((tmp_path / "photos").glob("*/*.jpg"))
    told = run(installed, tmp_path, "busana", "predict", model, str(photo))
    assert told.returncode == 0, told.stderr
    for command in (["train", "photos"], ["evaluate", model, "photos"]):
        refused = run(installed, tmp_path, "busana", *command)
        assert refused.returncode == 2
        assert refused.stderr.strip().endswith('install Busana with its extra "train".')
    refused = run(installed, tmp_path, "busana", "fetch", "paper", "paper")
    assert refused.returncode == 2 and 'kagglehub is missing: it comes with the extra "train"' in refused.stderr
    assert not (tmp_path / "runs").exists()


@contextmanager
def served(installed: Path, cwd: Path) -> Iterator[tuple[str, subprocess.Popen]]:
    """`busana app` in `cwd`: its address and its process, which ends with the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [installed / "busana", "app", "--server.headless", "true", "--server.port", str(port)]
    log = cwd / "server.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(command, cwd=cwd, env=environment(), stdout=sink, stderr=subprocess.STDOUT)
    try:
        end = time.monotonic() + 60
        while True:
            try:
                urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2).close()
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < end, log.read_text(errors="replace")
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def test_the_app_opens_in_any_folder_for_this_machine_alone(installed, tmp_path, page: Page):
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit/config.toml").write_text('[server]\naddress = "0.0.0.0"\n')  # of some other app
    with served(installed, tmp_path) as (url, process):
        listening = [one.laddr.ip for one in psutil.Process(process.pid).net_connections() if one.status == "LISTEN"]
        assert listening == ["127.0.0.1"]
        for name in ("", *(file.stem for file in (ROOT / "pages").glob("*.py") if file.stem != "home")):
            page.goto(f"{url}/{name}")
            expect(page.get_by_role("heading", level=1)).to_be_visible()
            expect(page.get_by_test_id("stException")).to_have_count(0)
        expect(page.get_by_test_id("stApp")).to_have_css("background-color", "rgb(252, 251, 249)")
    assert not (tmp_path / "runs").exists()
