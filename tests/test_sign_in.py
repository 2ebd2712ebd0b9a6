"""People sign in at an OpenID provider of this machine, in a real browser: their roles follow the provider's word."""

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import SOON, Server
from oidc_provider_mock import User, run_server_in_thread
from playwright.sync_api import Page, expect

from fashion_core import access

PEOPLE = [
    User(sub=name, claims={"email": f"{name}@example.com", "email_verified": known})
    for name, known in (("ann", True), ("bob", True), ("cat", True), ("unverified", False))
]
OPEN = ["Home", "Evaluate", "Compare", "Predict", "Sign in"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def secrets(folder: Path, port: int, provider: str, **lists: list[str]) -> Path:
    """The file as docs/hosting.md has it."""
    auth = {
        "redirect_uri": f"http://127.0.0.1:{port}/oauth2callback", "cookie_secret": "c" * 64, "client_id": "busana",
        "client_secret": "s" * 32, "server_metadata_url": f"{provider}/.well-known/openid-configuration",
    }  # fmt: skip
    sections = {"auth": auth, "access": lists}
    lines = [
        f"[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())
        for name, values in sections.items()
    ]
    file = folder / "secrets.toml"
    file.write_text("\n".join(lines))
    return file


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    with run_server_in_thread(user_claims=PEOPLE) as running:
        yield f"http://localhost:{running.server_port}"


def shared(server, folder: Path, provider: str, **lists: list[str]) -> Server:
    port = free_port()
    file = secrets(folder, port, provider, **lists)
    return server(folder / "home", port=port, **{access.SHARED: "1", "STREAMLIT_SECRETS_FILES": str(file)})


@pytest.fixture(scope="module")
def open_site(server, provider, tmp_path_factory) -> Server:
    """Everyone may look; Ann and the unverified one are named as trainers."""
    trainers = ["ann@example.com", "unverified@example.com"]
    return shared(server, tmp_path_factory.mktemp("open"), provider, trainers=trainers)


def see_pages(page: Page, names: list[str]) -> None:
    expect(page.get_by_test_id("stTopNavLink")).to_have_text([re.compile(name) for name in names], timeout=SOON)


def sign_in(page: Page, server: Server, name: str, door: str = "/sign-in") -> None:
    page.goto(f"{server.url}{door}")
    page.get_by_test_id("stMain").get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name=name, exact=True).click()  # at the provider
    page.wait_for_url(f"{server.url}/**")
    page.get_by_test_id("stTopNavLink").first.wait_for()


def test_a_trainer_signs_in_trains_and_signs_out(page, open_site):
    page.goto(open_site.url)
    see_pages(page, OPEN)
    page.goto(f"{open_site.url}/train")  # a link leads a stranger no further
    see_pages(page, OPEN)
    expect(page.get_by_text("New run", exact=True)).to_have_count(0)
    sign_in(page, open_site, "ann")
    see_pages(page, ["Home", "Data", "Train", "Evaluate", "Compare", "Predict", "Catalogue", "Sign in"])
    page.goto(f"{open_site.url}/train")
    expect(page.get_by_role("heading", level=1)).to_have_text("Train", timeout=SOON)
    expect(page.get_by_text("New run", exact=True)).to_be_visible(timeout=SOON)
    page.goto(f"{open_site.url}/sign-in")
    expect(page.get_by_text("ann@example.com")).to_be_visible(timeout=SOON)
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/oauth2/end_session?**")  # the provider asks; until then our own button is there
    page.get_by_role("button", name=re.compile("end session|sign out|log ?out|yes", re.IGNORECASE)).click()
    page.wait_for_url(f"{open_site.url}/**")
    see_pages(page, OPEN)


@pytest.mark.parametrize("name", ["bob", "unverified"])
def test_who_is_no_trainer_by_a_verified_address_looks_and_predicts(name, page, open_site):
    sign_in(page, open_site, name)
    see_pages(page, OPEN)
    page.goto(f"{open_site.url}/sign-in")
    expect(page.get_by_text("Here you may look and predict.")).to_be_visible(timeout=SOON)
    page.goto(f"{open_site.url}/train")
    see_pages(page, OPEN)
    expect(page.get_by_text("New run", exact=True)).to_have_count(0)


def test_where_viewers_are_named_a_stranger_sees_the_door_and_a_viewer_what_is_behind(page, server, provider, tmp_path):
    site = shared(server, tmp_path, provider, viewers=["bob@example.com"])
    page.goto(f"{site.url}/predict")
    expect(page.get_by_test_id("stHeading")).to_have_text("Sign in", timeout=SOON)
    expect(page.get_by_test_id("stFileUploader")).to_have_count(0)
    sign_in(page, site, "bob", door="/")
    see_pages(page, OPEN)
