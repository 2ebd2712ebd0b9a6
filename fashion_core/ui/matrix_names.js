// Clicks on the names beside and below a confusion matrix; see matrix_names.py. It sends which axis and which name.

const TITLE = 18  // pixels at the lower edge, where the axis is named

let now = null  // what the page said last, and how to answer; it outlives the element, which is drawn anew at any time

// The name under the pointer as {axis, place}, or null. The matrix shares its width and height evenly.
function nameAt(event) {
  const chart = now && event.target.closest?.(`[class*="st-key-${now.box}"] [data-testid=stEChartsChart]`)?.querySelector("canvas, svg")
  if (!chart) return null
  const box = chart.getBoundingClientRect(), {left, right, top, bottom} = now.grid
  const x = (event.clientX - box.left - left) / (box.width - left - right)
  const y = (event.clientY - box.top - top) / (box.height - top - bottom)
  const beside = x < 0 && y >= 0 && y < 1, below = y > 1 && x >= 0 && x < 1 && box.bottom - event.clientY > TITLE
  const axis = beside ? "true" : below ? "predicted" : null
  const place = Math.floor((axis === "true" ? y : x) * now.cells)
  return axis && place < now.names ? {axis, place} : null
}

document.addEventListener("click", event => {
  const name = nameAt(event)
  if (name) now.send([name.axis, name.place])
})

document.addEventListener("mousemove", event => {
  const canvas = event.target.closest?.("canvas")
  if (canvas && nameAt(event)) canvas.parentElement.style.cursor = "pointer"
})

export default function ({data, setTriggerValue}) {
  if (!data) return
  now = {...data, send: name => setTriggerValue("name", name)}
  document.body.dataset.matrixNames = "heard"  // a test knows by it that somebody listens
}
