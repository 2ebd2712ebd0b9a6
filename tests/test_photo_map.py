"""The map of photos: hue is the colour of a class, shape its garment, and every point knows its photo."""

import numpy as np

from fashion_core.reports import photo_map
from fashion_core.reports.palette import NAMED

CLASSES = ("black_hat", "blue_hat", "blue_sock")
PAIRS = {name: tuple(name.split("_")) for name in CLASSES}
POINTS = np.arange(8.0).reshape(4, 2)
GROUPS = np.array(["blue_sock", "black_hat", "blue_hat", "blue_sock"], dtype=object)


def test_classes_of_one_colour_share_its_hue_and_those_of_one_garment_a_shape():
    figure = photo_map.map_figure(POINTS, GROUPS, ["a", "b", "c", "d"], None, PAIRS)
    drawn = {trace.text[0]: trace for trace in figure.data if trace.text is not None}
    assert drawn["b"].marker.color == NAMED["black"] and drawn["c"].marker.color == NAMED["blue"]
    assert drawn["a"].marker.color == NAMED["blue"] and drawn["a"].marker.symbol != drawn["c"].marker.symbol
    assert drawn["b"].marker.symbol == drawn["c"].marker.symbol
    assert [trace.name for trace in figure.data if trace.showlegend is not False] == [
        "black (1)", "blue (3)", "hat", "sock",
    ]  # fmt: skip


def test_a_point_leads_to_its_photo():
    figure = photo_map.map_figure(POINTS, GROUPS, ["a", "b", "c", "d"], None, PAIRS)
    found = {trace.text[i]: int(trace.customdata[i][0]) for trace in figure.data if trace.text is not None
             for i in range(len(trace.text))}  # fmt: skip
    assert found == {"a": 0, "b": 1, "c": 2, "d": 3}


def test_other_groups_have_a_hue_each():
    figure = photo_map.map_figure(POINTS, np.array(["right", "wrong", "right", "wrong"], dtype=object), list("abcd"),
                                  None)  # fmt: skip
    assert len({trace.marker.color for trace in figure.data}) == 2
    assert [trace.name for trace in figure.data] == ["right (2)", "wrong (2)"]


def test_photos_that_the_filters_leave_out_are_faint():
    keep = np.array([True, False, True, False])
    figure = photo_map.map_figure(POINTS, GROUPS, list("abcd"), None, PAIRS, keep)
    opacity = {trace.text[i]: float(trace.marker.opacity[i]) for trace in figure.data if trace.text is not None
               for i in range(len(trace.text))}  # fmt: skip
    assert opacity["a"] == opacity["c"] > 4 * opacity["b"] and opacity["b"] == opacity["d"] > 0
