"""A measured colour as a person says it: in_words(10, 3, 0) is "very dark grey"."""

GREY_BELOW, GREYISH_BELOW = 6.0, 15.0  # chroma
BROWN_BELOW = 50.0  # lightness: a dark orange is called brown
# Where each hue of CIELAB begins, in degrees; sRGB's red lies at 40, yellow at 103, green at 136, blue at 306.
HUES = ((0, "pink"), (18, "red"), (50, "orange"), (82, "yellow"), (112, "green"), (175, "teal"), (220, "blue"),
        (308, "purple"), (330, "pink"))  # fmt: skip


def in_words(lightness: float, chroma: float, hue: float) -> str:
    """In CIELAB as of garment_colour.Colour: how dark, and which hue, as "dark greyish blue"."""
    if chroma < GREY_BELOW and not 6 <= lightness < 95:
        return "black" if lightness < 6 else "white"
    shade = "very dark " if lightness < 20 else "dark " if lightness < 40 else "light " if lightness >= 75 else ""
    if chroma < GREY_BELOW:
        return f"{shade}grey"
    name = [name for begin, name in HUES if begin <= hue % 360][-1]
    if name == "orange" and lightness < BROWN_BELOW:
        name = "brown"
    return f"{shade}{'greyish ' if chroma < GREYISH_BELOW else ''}{name}"
