"""The keys that go from the open photo to the next and back: J or Right, K or Left.

photo_keys.mount(go, place, count)    # `go` is called with how many photos to go on, or back where it is below 0
photo_keys.load()                     # on the page before: the browser has the code when a photo opens

A button's shortcut is one key, and presses that come while the server still works on the first are one press to
Streamlit. Here the browser counts, and sends how far it has come in all: however many presses one message stands for,
none is lost. Nothing is drawn.
"""

import secrets
from collections.abc import Callable

import streamlit as st

from fashion_core.ui import keys

WORDS = "J or → next · K or ← previous"
# Keys typed in a field are the field's, and so are arrows that a slider or a row of choices has taken. Streamlit may
# draw the element anew at any time, without calling what the last call returned, and is a moment without any: so one
# listener stays, counts on, and sends what nobody could send before.
SCRIPT = """
const STEPS = {j: 1, ArrowRight: 1, k: -1, ArrowLeft: -1}
let now = null  // the photo that is open, how far one has come, and how to send that; it outlives the element
document.addEventListener("keydown", event => {
  const step = STEPS[event.key.length === 1 ? event.key.toLowerCase() : event.key]
  const taken = event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey
  if (!now || !step || taken || !document.querySelector("[role=dialog]")) return
  if (event.target.closest?.("input, textarea, select, [contenteditable]")) return
  event.preventDefault()
  const steps = Math.min(Math.max(now.steps + step, now.first), now.last)
  // Past an end nothing is sent: a message without a new count brings the address as the browser knows it, which may
  // be that of a photo before, and would open that one again.
  if (steps === now.steps) return
  now.steps = steps
  now.send?.(steps)
  now.unsent = !now.send
})
export default function ({data, setStateValue}) {
  if (data === null) return
  const same = now?.opening === data.opening, send = steps => setStateValue("steps", steps)
  const {steps, unsent} = same ? now : data
  now = {...data, steps, send, unsent: false}
  if (unsent) send(steps)
  document.body.dataset.photoKeys = "heard"  // a test knows by it that somebody listens
  return () => {
    if (now.send === send) now.send = null
  }
}
"""
_component = st.components.v2.component("busana.photo_keys", js=SCRIPT)


def mount(go: Callable[[int], None], place: int, count: int) -> None:
    """Listen while this is drawn, of the photo at this `place` of `count`: presses past an end are not counted."""
    drawn = _steps()

    def counted() -> None:
        go(_steps() - drawn)

    opening = st.session_state.setdefault(keys.PHOTO_OPENING, secrets.token_hex(8))
    data = {"opening": opening, "steps": drawn, "first": drawn - place, "last": drawn + count - 1 - place}
    _component(key=keys.PHOTO_STEPS, data=data, on_steps_change=counted, width="content")


def load() -> None:
    """Have the browser load what listens; nothing listens yet."""
    _component(key=keys.PHOTO_KEYS, width="content")


def forget() -> None:
    """No photo is open: from the next one on it is counted anew."""
    st.session_state.pop(keys.PHOTO_OPENING, None)


def _steps() -> int:
    """How far the browser has come since it began to count."""
    state = st.session_state.get(keys.PHOTO_STEPS)
    steps = state.get("steps") if state else None
    return steps if isinstance(steps, int) else 0
