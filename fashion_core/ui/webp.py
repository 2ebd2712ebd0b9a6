"""`st.image` hands WebP on as it is. Streamlit 1.67 knows JPEG, PNG and GIF alone: it would decode every thumbnail in
every rerun and send it as a JPEG, larger and twice lossy."""

from streamlit.elements.lib import image_utils

_format_of = image_utils._validate_image_format_string


def let_through() -> None:
    """Called as a page begins; once is as good as often."""
    image_utils._validate_image_format_string = _format


def _format(image, wanted):
    """Streamlit's own answer, but WEBP for bytes that are; it compares that with what Pillow calls the format."""
    if isinstance(image, bytes) and image[:4] == b"RIFF" and image[8:12] == b"WEBP":
        return "WEBP"
    return _format_of(image, wanted)
