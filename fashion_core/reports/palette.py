"""Every colour of charts and pictures; those of the page itself are in .streamlit/config.toml."""

from typing import Any

RGB = tuple[int, int, int]

# Right and wrong differ in hue and in place; both hold their contrast on light and dark surfaces.
RIGHT: RGB = (80, 97, 186)
WRONG: RGB = (217, 122, 30)
CHOSEN = "#12a594"
GREY: RGB = (139, 143, 154)
NEUTRAL = "#{:02x}{:02x}{:02x}".format(*GREY)
# Paul Tol's bright scheme and Okabe and Ito's, told apart on both surfaces and by most who see few colours.
CATEGORIES = (
    "#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#e69f00", NEUTRAL, "#009e73", "#cc79a7",
)  # fmt: skip
# Colours that classes are named by, each as itself; points have a rim, so that black and white show on any surface.
NAMED = {
    "black": "#23252e", "white": "#ffffff", "grey": "#8b8f9a", "gray": "#8b8f9a", "blue": "#3f6fd8", "navy": "#22315f",
    "red": "#d64545", "green": "#3d9a50", "brown": "#8a5a33", "beige": "#d8c3a5", "yellow": "#e3c02f",
    "orange": "#e8842c", "pink": "#e78ab4", "purple": "#8250b4", "violet": "#8250b4",
}  # fmt: skip
# Text on pale cells, by whether the page is dark. The page learns of a change only at its next rerun: until then the
# halo, unseen on its own surface, keeps the text legible on the other.
INKS: dict[bool, dict[str, Any]] = {
    False: {"color": "#23252e", "textBorderColor": "rgba(252,245,238,0.8)", "textBorderWidth": 2},
    True: {"color": "#ece9e4", "textBorderColor": "rgba(40,30,22,0.8)", "textBorderWidth": 2},
}
POINTS = {False: "#3b4a9f", True: "#93a3fa"}  # the theme's first colour, by whether the page is dark


def css(colour: RGB, opacity: float = 1.0) -> str:
    """A colour as browsers read it: "rgb(80,97,186)", or with its opacity."""
    red, green, blue = colour
    return f"rgb({red},{green},{blue})" if opacity == 1 else f"rgba({red},{green},{blue},{opacity:.3f})"
