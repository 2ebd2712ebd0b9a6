// Which part of the curves the wheel and the drag ask for; see curve_zoom.py. It sends two numbers: where the part begins
// and ends, 0 being the left end of the axis and 1 the right one. None is sent for the whole run.

const REST = 200  // milliseconds without a turn of the wheel until what it came to is sent
const SCROLLING = 400  // milliseconds after the page has scrolled in which a wheel goes on to scroll it
const LEAST = 6  // pixels: less is a click
const SPEED = 0.002  // of the wheel's pixels, as the exponent by which the part shrinks

let now = null  // what the page said last, and how to answer; it outlives the element, which is drawn anew at any time
let part = null  // what will be shown
let drag = null  // {chart, from}: where the pointer went down, as a share
let waiting = 0, scrolled = 0

const frame = document.createElement("div")
frame.dataset.testid = "curve-zoom-frame"
frame.style.cssText = "position:fixed;pointer-events:none;background:rgba(120,130,150,.2);border:solid rgba(120,130,150,.9);border-width:0 1px;z-index:1"

// The plot under the pointer, without the axes around it, or null.
function plotAt(event) {
  const chart = now && event.target.closest?.(`.st-key-${now.box} [data-testid=stEChartsChart]`)?.querySelector("canvas, svg")
  if (!chart) return null
  const plot = placed(chart)
  const inside = event.clientX >= plot.left && event.clientX <= plot.right && event.clientY >= plot.top && event.clientY <= plot.bottom
  return inside ? {chart, ...plot} : null
}

function placed(chart) {
  const {left, right, top, bottom} = chart.getBoundingClientRect(), {grid} = now
  return {left: left + grid.left, right: right - grid.right, top: top + grid.top, bottom: bottom - grid.bottom}
}

const share = (plot, x) => (x - plot.left) / (plot.right - plot.left)
const within = value => Math.min(Math.max(value, 0), 1)

function draw(plot) {
  const [from, to] = part.map(within), width = plot.right - plot.left
  Object.assign(frame.style, {
    left: `${plot.left + from * width}px`, width: `${(to - from) * width}px`,
    top: `${plot.top}px`, height: `${plot.bottom - plot.top}px`,
  })
  document.body.append(frame)
}

function send(value) {
  clearTimeout(waiting)
  frame.remove()
  part = drag = null
  now?.send(value)
}

document.addEventListener("wheel", event => {
  const plot = plotAt(event)
  const outwards = event.deltaY > 0
  if (!plot || drag || event.ctrlKey || performance.now() - scrolled < SCROLLING) return
  if (outwards && now.whole && !part) return
  event.preventDefault()
  const pointer = share(plot, event.clientX), lines = event.deltaMode ? 16 : 1
  const factor = Math.exp(Math.min(Math.max(event.deltaY * lines, -300), 300) * SPEED)
  part = (part ?? [0, 1]).map(end => pointer + (end - pointer) * factor)
  draw(plot)
  clearTimeout(waiting)
  waiting = setTimeout(() => send(part), REST)
}, {passive: false})

document.addEventListener("scroll", () => { scrolled = performance.now() }, {capture: true, passive: true})

document.addEventListener("pointerdown", event => {
  const plot = event.button === 0 && event.pointerType === "mouse" && !part ? plotAt(event) : null
  drag = plot && {chart: plot.chart, from: event.clientX}
})

document.addEventListener("pointermove", event => {
  if (!drag) return
  if (!drag.chart.isConnected || !event.buttons) return stop()
  if (Math.abs(event.clientX - drag.from) < LEAST) return
  const plot = placed(drag.chart)
  part = [drag.from, event.clientX].map(x => within(share(plot, x))).sort((one, other) => one - other)
  draw(plot)
})

document.addEventListener("pointerup", () => drag && part ? send(part) : stop())
document.addEventListener("keydown", event => event.key === "Escape" && stop())
document.addEventListener("dblclick", event => plotAt(event) && !now.whole && send(null))

function stop() {
  if (!drag) return
  drag = part = null
  frame.remove()
}

export default function ({data, setTriggerValue}) {
  if (!data) return
  now = {...data, send: value => setTriggerValue("part", value ?? [])}
  document.body.dataset.curveZoom = "heard"  // a test knows by it that somebody listens
}
