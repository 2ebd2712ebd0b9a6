"""The map of Evaluate in a real Chromium: photos under the pointer and in place of points, clicks, drawn areas."""

import re
from collections.abc import Callable

import pytest
from browser import hover_click, steady_box
from evaluate_page import eight_explained, opened, tiles
from playwright.sync_api import FloatRect, Locator, Page, expect

from fashion_core.ui import stored

# The eight photos lie on an arc whose ends are right below, photo 0, and left above. Each has a size of its own.
SIZES = [[60 + 7 * number, 60 + 5 * number] for number in range(8)]
SIZE = "image => [image.naturalWidth, image.naturalHeight]"


@pytest.fixture
def root(home, tmp_path):
    return eight_explained(home, tmp_path / "photos")


@pytest.fixture
def points(root, home, server, page: Page) -> Callable[[], Locator]:
    """Open the map; its points are in the order of the photos' rows."""

    def drawn() -> Locator:
        page.goto(f"{server(home).url}/evaluate?model=by-hand&view=Map")
        found = page.locator(".st-key-map .js-plotly-plot .scatterlayer .point")
        expect(found.nth(7)).to_be_visible()
        steady_box(page, found.first)
        page.locator(".map-photos").wait_for(state="attached")
        return found

    return drawn


def middle(box: FloatRect) -> tuple[float, float]:
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def point_at(page: Page, point: Locator) -> None:
    """As a hand comes: from a little away."""
    x, y = middle(steady_box(page, point))
    page.mouse.move(x - 60, y + 60)
    page.mouse.move(x, y, steps=4)


def zoom_in(page: Page, point: Locator, steps: int = 3) -> None:
    """By the wheel, so many steps, on a point, which stays where it is."""
    point_at(page, point)
    for _ in range(steps):
        page.wait_for_timeout(200)
        page.mouse.wheel(0, -400)
    expect(page.locator(".map-photos img:not([hidden])").first).to_be_visible()


def test_an_area_drawn_on_the_map_is_a_selection_that_the_address_keeps(root):
    whole = opened(view="Map")
    assert not whole.exception and len(tiles(whole)) == 8 and whole.get("plotly_chart")
    # The eight lie on an arc from (1, 0): the first three within this box.
    app = opened(view="Map", area="0.8,-0.1;1.1,-0.1;1.1,0.45;0.8,0.45")
    assert sorted(tiles(app)) == ["0.jpg", "1.jpg", "2.jpg"] and not app.exception
    app.button(key="area-clear").click().run()
    assert len(tiles(app)) == 8 and "area" not in app.query_params
    for nonsense in ("", "1,2", "a,b;c,d;e,f", "nan,1;2,2;3,3"):
        assert len(tiles(opened(view="Map", area=nonsense))) == 8
    for by in ("prediction", "error", "split"):
        assert not opened(view="Map", **{"map-by": by}).exception


def test_photos_within_a_lasso_are_shown_and_the_link_shows_them_again(root, home, server, page: Page):
    page.goto(f"{server(home).url}/evaluate?model=by-hand&view=Map")
    plot = page.locator(".st-key-map .js-plotly-plot .draglayer .nsewdrag").first
    plot.scroll_into_view_if_needed()
    steady_box(page, plot)
    page.locator(".st-key-map [data-val=lasso]").click()
    box = steady_box(page, plot)
    # The photos lie on an arc whose ends are right below and left above: around its lower end.
    corners = [(0.55, 0.45), (0.99, 0.45), (0.99, 0.99), (0.55, 0.99), (0.55, 0.45)]
    corners = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    page.mouse.move(*corners[0])
    page.wait_for_timeout(200)
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*corner, steps=8)
    page.mouse.up()
    expect(page).to_have_url(re.compile("area="))
    said = page.get_by_test_id("stMain")
    shown = re.compile("[1-7] of 8 photos")
    expect(said).to_contain_text(shown)
    before = shown.search(said.inner_text()).group()
    page.reload()
    expect(said).to_contain_text(before)
    page.get_by_role("button", name="Clear the drawn area").click()
    expect(said).to_contain_text("8 of 8 photos")


def test_a_click_on_a_point_of_the_map_opens_its_photo_and_the_wheel_zooms(root, home, server, page: Page):
    page.goto(f"{server(home).url}/evaluate?model=by-hand&view=Map")
    plot = page.locator(".st-key-map .js-plotly-plot")
    points = plot.locator(".scatterlayer .point")
    expect(points.nth(7)).to_be_visible()
    box, point = steady_box(page, plot), steady_box(page, points.first)
    in_the_middle = (point["x"] + point["width"] / 2 - box["x"], point["y"] + point["height"] / 2 - box["y"])
    hover_click(page, plot, lambda _: in_the_middle)
    expect(page.get_by_role("dialog")).to_contain_text("Label is right")
    expect(page).to_have_url(re.compile(r"photo=[0-9a-f]{10}"))
    page.go_back()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page).to_have_url(re.compile("view=Map"))
    box = steady_box(page, plot)
    page.mouse.move(box["x"] + in_the_middle[0], box["y"] + in_the_middle[1])  # which stays where it is
    before = steady_box(page, points.nth(7))
    page.wait_for_timeout(200)
    page.mouse.wheel(0, -400)
    page.wait_for_timeout(1000)
    after, still = steady_box(page, points.nth(7)), steady_box(page, points.first)
    moved = abs(after["x"] - before["x"]) + abs(after["y"] - before["y"])
    assert moved > 20 and abs(still["x"] - point["x"]) < 5


def test_the_point_under_the_pointer_shows_its_photo_with_its_classes_in_words(points, page: Page):
    asked, sent = [], []
    page.on("request", lambda request: asked.append(request.url) if "/thumbnails/" in request.url else None)
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    found = points()
    card = page.locator(".map-card")
    expect(card).to_be_hidden()
    page.wait_for_timeout(1000)
    before = len(sent)
    assert asked == [], "no photo is made small before somebody wants to see it"
    point_at(page, found.nth(2))
    expect(card).to_contain_text(re.compile("coat, called hat.*coat/2.jpg"))
    expect(card.locator("img")).to_be_visible()
    assert card.locator("img").evaluate(SIZE) == SIZES[2]
    point_at(page, found.nth(4))
    expect(card).to_contain_text(re.compile("^hathat/4.jpg"))
    expect(card.locator("img")).to_be_visible()
    assert card.locator("img").evaluate(SIZE) == SIZES[4]
    page.mouse.move(5, 5)
    expect(card).to_be_hidden()
    assert before and len(sent) == before, "the page is not drawn anew"


def test_zoomed_in_photos_stand_in_place_of_points_and_a_click_on_one_opens_it(points, page: Page):
    found = points()
    small = page.locator(".map-photos img")
    expect(small).to_have_count(0)
    zoom_in(page, found.nth(2))
    page.wait_for_timeout(500)
    x, y = middle(steady_box(page, found.nth(2)))
    near = [image for image in small.all() if image.evaluate(SIZE) == SIZES[2]]
    assert len(near) == 1
    box = steady_box(page, near[0])
    assert abs(middle(box)[0] - x) < 3 and abs(middle(box)[1] - y) < 3 and 36 <= box["width"] < 110
    hover_click(page, page.locator(".st-key-map .js-plotly-plot .nsewdrag").first,
                lambda plot: (box["x"] + 5 - plot["x"], middle(box)[1] - plot["y"]))  # fmt: skip
    expect(page).to_have_url(re.compile(f"photo={stored.photo_id('coat/2.jpg')}"))
    expect(page.get_by_role("dialog")).to_contain_text("Label is right")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(small.first).to_be_visible()  # the map is as it was
    page.locator(".st-key-map [data-attr=zoom][data-val=reset]").click()
    expect(small).to_have_count(0)


def test_a_photo_that_cannot_be_read_leaves_its_point_and_says_so(points, root, page: Page):
    (root / "coat/1.jpg").write_bytes(b"")
    (root / "hat/3.jpg").unlink()
    found = points()
    card = page.locator(".map-card")
    for place in (1, 3):
        point_at(page, found.nth(place))
        expect(card).to_contain_text("This photo cannot be shown.")
        expect(card.locator("img")).to_be_hidden()
    zoom_in(page, found.nth(2))
    expect(page.locator(".map-photos img[hidden]").first).to_be_attached()
    page.wait_for_timeout(500)
    shown = [image.evaluate(SIZE) for image in page.locator(".map-photos img").all() if image.is_visible()]
    assert SIZES[2] in shown and all(size in SIZES for size in shown), "no image is broken"
    assert SIZES[1] not in shown and SIZES[3] not in shown


def test_where_photos_are_elsewhere_the_map_says_their_classes_alone(points, root, page: Page):
    root.rename(root.with_name("away"))
    found = points()
    point_at(page, found.nth(2))
    card = page.locator(".map-card")
    expect(card).to_contain_text(re.compile("coat, called hat"))
    expect(card).not_to_contain_text("cannot be shown")
    expect(card.locator("img")).to_be_hidden()


def test_an_area_drawn_where_one_has_zoomed_in_selects(points, page: Page):
    zoom_in(page, points().nth(1), steps=6)
    page.locator(".st-key-map [data-val=select]").click()
    box = steady_box(page, page.locator(".st-key-map .js-plotly-plot .nsewdrag").first)
    page.mouse.move(box["x"] + 3, box["y"] + 3)
    page.wait_for_timeout(200)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 3, box["y"] + box["height"] - 3, steps=8)
    page.mouse.up()
    expect(page).to_have_url(re.compile("area="))
    expect(page.get_by_test_id("stMain")).to_contain_text(re.compile("[1-7] of 8 photos"))
