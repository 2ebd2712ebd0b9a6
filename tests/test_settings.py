"""Only this machine reaches the app, and the app sends nothing about anyone."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
from browser import ROOT

from fashion_core.api.predict import PHOTOS
from fashion_core.models.answering import Limits

SETTINGS = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [
        ("server", "address", "127.0.0.1"),  # unset, or 0.0.0.0, would open it to the whole network
        ("server", "enableXsrfProtection", True),
        ("server", "enableCORS", True),
        ("browser", "gatherUsageStats", False),
        ("client", "showErrorDetails", "none"),  # a traceback names folders and people
        ("client", "showErrorLinks", False),  # the notice would go to a search engine
        ("client", "toolbarMode", "minimal"),
    ],
)
def test_the_safe_settings_are_set(section, name, value):
    assert SETTINGS[section][name] == value


def test_an_upload_is_bounded_and_no_setting_opens_another_way_in():
    assert 0 < SETTINGS["server"]["maxUploadSize"] <= 200
    allowed = {"address", "maxUploadSize", "enableXsrfProtection", "enableCORS", "showEmailPrompt"}
    assert set(SETTINGS["server"]) <= allowed, "a new setting of the server: say here that it is safe"
    assert "serverAddress" not in SETTINGS["browser"]
    assert not {"fontFaces", "font"} & set(SETTINGS["theme"]), "fonts would be fetched from elsewhere"


def test_streamlit_knows_every_setting():
    from streamlit import config

    known = config._config_options_template
    found = [f"{section}.{name}" for section, values in SETTINGS.items() for name in flat(values)]
    assert [name for name in found if name not in known] == []


def flat(values: dict) -> list[str]:
    """Names of settings, those of a section within as "light.primaryColor"."""
    names = []
    for name, value in values.items():
        names += [f"{name}.{inner}" for inner in flat(value)] if isinstance(value, dict) else [name]
    return names


def test_the_settings_that_the_page_on_hosting_names_are_those_of_the_file():
    page = (ROOT / "docs" / "hosting.md").read_text()
    named = re.findall(r"`(\w+)\.(\w+) = (\S+)`", page)
    assert len(named) == 4
    assert [(s, n, tomllib.loads(f"v = {v}")["v"]) for s, n, v in named] == [
        (s, n, SETTINGS[s][n]) for s, n, _ in named
    ]


def test_the_numbers_that_the_page_on_hosting_names_are_the_limits_of_the_code():
    page, limits = " ".join((ROOT / "docs" / "hosting.md").read_text().split()), Limits()
    assert (
        f"{limits.megabytes} MB a request, {PHOTOS} photos, {limits.megapixels} megapixels, {limits.frames} frames; "
        f"{limits.seconds:g} seconds of the processor a photo; {limits.per_minute} photos a minute for each visitor, "
        f"{limits.at_once} of them at once; {limits.waiting} photos wait"
    ) in page


def test_the_unit_brings_the_models_that_ship_into_its_home():
    """Its home is a folder of its own, where published models are looked for."""
    unit = (ROOT / "deploy" / "busana.service").read_text()
    home = re.search(r"BUSANA_HOME=(\S+)", unit)[1]
    assert re.search(rf"^ExecStartPre=-/bin/cp -rn (\S+)/weights {home}/$", unit, re.MULTILINE)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze: apt-get install systemd")
def test_systemd_reads_the_unit_and_calls_it_well_shut_in(tmp_path):
    unit, file = (ROOT / "deploy" / "busana.service").read_text(), tmp_path / "busana.service"
    file.write_text(unit.replace("/srv/busana/.venv/bin/streamlit", sys.executable))  # verified is what is there
    done = subprocess.run(["systemd-analyze", "verify", file], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    least = ["--offline=true", "--threshold=40", "--no-pager"]  # of 100, which is no protection
    done = subprocess.run(["systemd-analyze", "security", *least, file], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(os.name == "nt", reason="the container is Linux")
def test_the_containers_own_command_starts_a_healthy_server_from_what_it_copies(tmp_path):
    """Its packages are those of this environment; pip and apt-get are not run."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    check, command = (json.loads(found) for found in re.findall(r"CMD +(\[.+\])", text))
    app = tmp_path / "app"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    skipped = [line.rstrip("/") for line in (ROOT / ".dockerignore").read_text().split() if not line.startswith("!")]
    shutil.copytree(ROOT, app, ignore=lambda folder, names: skipped if Path(folder) == ROOT else [])
    variables = dict(re.findall(r"(\w+)=(\S+)", re.search(r"^ENV (.+)$", text, re.MULTILINE)[1]))
    variables |= {"BUSANA_HOME": str(app), "HOME": str(tmp_path)}
    here = [
        sys.executable,
        "-m",
        *(word.replace("8501", str(port)).replace("0.0.0.0", "127.0.0.1") for word in command),
    ]
    server = subprocess.Popen(here, cwd=app, env=os.environ | variables, stdout=subprocess.DEVNULL)
    try:
        healthy, end = (
            [sys.executable, *(word.replace("8501", str(port)) for word in check[1:])],
            time.monotonic() + 180,
        )
        while subprocess.run(healthy, stderr=subprocess.DEVNULL).returncode:
            assert server.poll() is None and time.monotonic() < end
            time.sleep(0.5)
    finally:
        server.terminate()
        server.wait()


@pytest.mark.skipif(os.name == "nt", reason="a shell script")
def test_slim_removes_tests_and_headers_and_nothing_that_is_loaded(tmp_path):
    gone = ("pandas/tests/test_a.py", "numpy/include/a.h", "openvino/libs/libopenvino_intel_gpu_plugin.so",
            "pydeck/nbextension/a.js", "plotly/labextension/a.json", "pyarrow/libarrow_flight.so.2600")  # fmt: skip
    kept = ("numpy/testing/__init__.py", "skimage/__init__.pyi", "openvino/libs/libopenvino_intel_cpu_plugin.so",
            "pydeck/__init__.py", "plotly/package_data/plotly.min.js", "pyarrow/libarrow.so.2600")  # fmt: skip
    for name in (*gone, *kept):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho {tmp_path}\n")
    python.chmod(0o755)
    subprocess.run(["sh", ROOT / "deploy" / "slim.sh", python], check=True)
    assert [name for name in gone if (tmp_path / name).exists()] == []
    assert [name for name in kept if not (tmp_path / name).exists()] == [], "stubs are read where packages load late"


def test_what_is_deployed_is_shared_not_root_and_watched():
    container, unit = (ROOT / "Dockerfile").read_text(), (ROOT / "deploy" / "busana.service").read_text()
    assert "BUSANA_SHARED=1" in container and "Environment=BUSANA_SHARED=1" in unit
    assert "\nUSER busana\n" in container and "\nUser=busana\n" in unit
    assert "install -d -o busana data runs" in container, "what a page keeps lies there: all else is root's"
    assert "HEALTHCHECK" in container and "/healthz" in container
    assert "secrets.toml" in (ROOT / ".dockerignore").read_text()
    for proxy in ("Caddyfile", "nginx.conf"):
        assert "/metrics" in (ROOT / "deploy" / proxy).read_text(), "counters are not for strangers"
