"""Thumbnails by address: of the photos of one evaluation, for those who may look, and of nothing else."""

import io
import json

import pytest
from browser import ROOT, SOON
from evaluate_page import eight_explained, opened
from PIL import Image
from playwright.sync_api import Page, expect
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.elements.lib import image_utils
from streamlit.elements.lib.layout_utils import LayoutConfig
from streamlit.runtime.caching.cache_resource_api import clear_session_cache
from streamlit.testing.v1 import AppTest

from fashion_core import UserError, access
from fashion_core.access import Role
from fashion_core.api.routes import MIDDLEWARE
from fashion_core.photos import imaging
from fashion_core.ui import stored, thumbnails, webp

SESSION = "test session id"  # as AppTest calls its own


@pytest.fixture(autouse=True)
def mine_again():
    yield
    clear_session_cache(SESSION)
    access.unshare()


@pytest.fixture
def root(home):
    """Eight test photos by hand, in the folder where a shared server reads."""
    return eight_explained(home, home / "data" / "photos")


@pytest.fixture
def client():
    return TestClient(Starlette(routes=thumbnails.ROUTES, middleware=MIDDLEWARE), "http://localhost")


def addresses(app: AppTest) -> list[str]:
    """What the map of this page tells the browser."""
    told = [json.loads(element.proto.json) for element in app.get("bidi_component") if element.proto.json]
    return ["/" + each["photos"] for each in told if each.get("photos")]


def test_each_row_has_the_thumbnail_of_its_photo(root, client):
    Image.new("RGB", (900, 600), "navy").save(root / "hat/3.jpg")
    (address,) = addresses(opened(view="Map"))
    assert str(root) not in address and "photos" not in address, "no path stands in an address"
    for row, size in ((0, (60, 60)), (3, (320, 213)), (7, (109, 95))):
        answer = client.get(f"{address}{row}")
        assert answer.status_code == 200 and answer.headers["content-type"] == "image/webp"
        assert Image.open(io.BytesIO(answer.content)).size == size
        assert answer.headers["cache-control"].startswith("private")
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"


def test_what_is_not_of_that_evaluation_is_not_found(root, client):
    (address,) = addresses(opened(view="Map"))
    for row in ("8", "-1", "", "1.0", "²", "9" * 5000, "coat/0.jpg", "..%2f0", "%00", "card.json"):
        assert client.get(f"{address}{row}").status_code == 404, row
    for guessed in ("", "by-hand", "x" * 32, "..", "%2e%2e", "photos"):
        assert client.get(f"/{thumbnails.FOLDER}/{guessed}/0").status_code == 404, guessed


def test_photos_that_are_missing_or_cannot_be_read_are_not_found(root, client):
    (root / "coat/0.jpg").unlink()
    (root / "coat/1.jpg").write_bytes(b"not a photo")
    (address,) = addresses(opened(view="Map"))
    assert [client.get(f"{address}{row}").status_code for row in (0, 1, 2)] == [404, 404, 200]


def test_a_link_that_leads_out_of_a_shared_server_is_not_followed(root, client, tmp_path):
    Image.new("RGB", (60, 60)).save(tmp_path / "private.jpg")
    (root / "coat/0.jpg").unlink()
    (root / "coat/0.jpg").symlink_to(tmp_path / "private.jpg")
    (address,) = addresses(opened(view="Map"))
    access.share(lambda: Role.VIEWER)
    assert [client.get(f"{address}{row}").status_code for row in (0, 1)] == [404, 200]


def test_the_address_ends_with_its_session(root, client):
    (address,) = addresses(opened(view="Map"))
    assert client.get(f"{address}0").status_code == 200
    clear_session_cache(SESSION)
    assert client.get(f"{address}0").status_code == 404


def test_who_may_not_look_is_given_no_address(root, client, monkeypatch):
    monkeypatch.setenv(access.SHARED, "1")
    app = AppTest.from_file(ROOT / "pages/evaluate.py", default_timeout=60)
    app.query_params["view"] = "Map"
    auth = {"client_id": "x", "cookie_secret": "y" * 32, "redirect_uri": "http://localhost/oauth2callback"}
    app.secrets.update({"auth": auth, "access": {"viewers": ["bob@example.com"]}})
    app.user = {"is_logged_in": False}
    app.run()
    assert addresses(app) == [] and "Looking at models and photos is off for you" in app.error[0].value
    access.share(lambda: Role.NOBODY)
    key = stored.evaluation_key(stored.evaluations()["by-hand"])
    with pytest.raises(UserError, match="is off for you on this shared server"):
        thumbnails.address(key, root)
    app.user = {"is_logged_in": True, "email": "bob@example.com"}
    app.run()
    (address,) = addresses(app)
    assert client.get(f"{address}0", headers={"host": "demo.example"}).status_code == 200


def test_no_folder_no_address(root):
    root.rename(root.with_name("away"))
    assert addresses(opened(view="Map")) == []


def test_streamlit_hands_webp_on_as_it_is():
    """Where this fails after an update of Streamlit, see ui/webp.py: without it every rerun encodes each photo anew."""
    webp.let_through()
    for photo, format in ((imaging.thumbnail_bytes(Image.new("RGB", (320, 213), "navy"), 320), "WEBP"),
                          (encoded("PNG"), "JPEG"), (encoded("JPEG"), "JPEG")):  # fmt: skip
        named = image_utils._validate_image_format_string(photo, "auto")
        handed_on = image_utils._ensure_image_size_and_format(photo, LayoutConfig(width="stretch"), named)
        assert named == format and (handed_on == photo) == (format == "WEBP" or photo[:2] == b"\xff\xd8")


def encoded(format: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (60, 60), "navy").save(out, format)
    return out.getvalue()


@pytest.mark.browser
def test_a_browser_is_sent_webp_and_shows_it(page: Page, server, root, home):
    kinds = []
    url = server(home).url
    page.on("response", lambda one: one.url.startswith(f"{url}/media/") and kinds.append(one.headers["content-type"]))
    page.goto(f"{url}/evaluate")
    photo = page.get_by_test_id("stMain").locator("img").first
    expect(photo).to_be_visible(timeout=2 * SOON)
    page.wait_for_function("document.querySelector('[data-testid=stMain] img').naturalWidth > 0")
    assert "image/webp" in kinds and "image/jpeg" not in kinds  # the icon is a PNG
