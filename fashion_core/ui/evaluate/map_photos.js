// Photos over the Plotly chart of the map; see map_photos.py. `data.photos` is the address that a photo's row follows.

const MOST = 200  // points in view: with more, points stay points
const SIDES = [36, 88]  // pixels of a photo on the map, from many in view to few
const ZOOMED = 0.9  // of the width that the whole map has: below, one has zoomed in
const REST = 80  // milliseconds that the pointer rests on a point before its photo is asked for
const GAP = 12  // pixels between a point, or the photo in its place, and its card

export default function ({data}) {
  const box = data && document.querySelector(`.st-key-${data.box}`)
  if (!box) return
  const photos = data.photos && new URL(data.photos, window.__streamlit?.BACKEND_BASE_URL ?? document.baseURI)
  let plot = null
  let leave = () => {}
  // Streamlit makes a new chart whenever its figure is another one.
  const look = () => {
    const found = box.querySelector(".js-plotly-plot")
    if (found === plot || !found?.on) return
    leave()
    plot = found
    leave = attach(plot, photos)
  }
  const watcher = new MutationObserver(look)
  watcher.observe(box, {childList: true, subtree: true})
  look()
  return () => {
    watcher.disconnect()
    leave()
  }
}

function attach(plot, photos) {
  const card = newCard(photos)
  const small = newPhotos(plot, photos)
  plot.style.position = "relative"
  plot.append(small.layer, card.element)
  const hide = () => {
    card.hide()
    small.point(null)
  }
  const heard = {
    plotly_hover: ({points: [point]}) => {
      if (!point?.customdata) return
      card.show(plot, point, small.point(point.customdata[0]))
    },
    plotly_unhover: hide,
    plotly_click: hide,
    plotly_relayouting: () => {
      hide()
      small.follow()
    },
    plotly_afterplot: small.draw,
  }
  for (const [name, listener] of Object.entries(heard)) plot.on(name, listener)
  small.draw()
  return () => {
    for (const [name, listener] of Object.entries(heard)) plot.removeListener?.(name, listener)
    card.hide()
    card.element.remove()
    small.layer.remove()
  }
}

// Pixels from the chart's left or upper edge.
function pixel(axis, value) {
  const share = (value - axis.range[0]) / (axis.range[1] - axis.range[0])
  return axis._offset + axis._length * (axis._id.startsWith("y") ? 1 - share : share)
}

// The card of the point under the pointer: its photo over what is said of it, its classes and then its name.
function newCard(photos) {
  const element = made("div", "map-card"), place = made("div", "place"), image = made("img"), words = made("strong"), name = made("div", "name")
  const missing = made("span")
  element.hidden = true
  place.hidden = !photos
  place.append(image, missing)
  element.append(place, words, name)
  image.onload = () => { image.hidden = false }
  image.onerror = () => { missing.textContent = "This photo cannot be shown." }
  let waiting = 0
  const hide = () => {
    clearTimeout(waiting)
    element.hidden = true
  }
  const show = (plot, point, radius) => {
    clearTimeout(waiting)
    image.hidden = true
    missing.textContent = ""
    const [classes, file] = point.text.split("\n")
    image.alt = words.textContent = classes
    name.textContent = file
    if (photos) waiting = setTimeout(() => { image.src = photos + point.customdata[0] }, REST)
    element.hidden = false
    const x = pixel(point.xaxis, point.x), y = pixel(point.yaxis, point.y)
    const right = x < plot.clientWidth / 2
    const away = radius + GAP
    const left = right ? x + away : x - away - element.offsetWidth
    element.style.left = `${within(left, plot.clientWidth - element.offsetWidth)}px`
    element.style.top = `${within(y - element.offsetHeight / 2, plot.clientHeight - element.offsetHeight)}px`
  }
  return {element, show, hide}
}

// The photos in place of points.
function newPhotos(plot, photos) {
  const layer = made("div", "map-photos")
  layer.ariaHidden = "true"
  let whole = 0  // width of the map that is not zoomed
  let drawn = new Map()  // row → its point and image
  const axes = () => [plot._fullLayout?.xaxis, plot._fullLayout?.yaxis]

  const follow = () => {
    const [x, y] = axes()
    for (const {point, image} of drawn.values()) {
      image.style.left = `${pixel(x, point.x) - x._offset}px`
      image.style.top = `${pixel(y, point.y) - y._offset}px`
    }
  }
  const draw = () => {
    const [x, y] = axes()
    if (!photos || !x || !y) return
    const width = Math.abs(x.range[1] - x.range[0])
    if (x.autorange || !whole) whole = width
    const points = width < ZOOMED * whole ? inView(plot, x, y) : []
    const side = Math.min(Math.max(Math.sqrt(x._length * y._length / points.length) * 0.7, SIDES[0]), SIDES[1])
    const kept = new Map()
    for (const point of points.length > MOST ? [] : apart(points, side * 0.7)) {
      const image = drawn.get(point.row)?.image ?? newImage(photos, point)
      image.style.width = image.style.height = `${side}px`
      image.style.borderColor = point.colour
      image.style.opacity = point.faint ? 0.3 : 1
      kept.set(point.row, {point, image})
    }
    drawn = kept
    Object.assign(layer.style, {left: `${x._offset}px`, top: `${y._offset}px`, width: `${x._length}px`,
                                height: `${y._length}px`})
    layer.replaceChildren(...[...drawn.values()].map(each => each.image))
    follow()
  }
  // Raise the photo of the point under the pointer; returns half its width in pixels, 0 where there is none.
  const point = row => {
    for (const [each, {image}] of drawn) image.classList.toggle("pointed", each === row)
    return drawn.get(row)?.image.offsetWidth / 2 || 0
  }
  return {layer, draw, follow, point}
}

// Hidden until it is there: a photo that cannot be read leaves its point to be seen.
function newImage(photos, point) {
  const image = made("img")
  image.hidden = true
  image.alt = ""
  image.onload = () => { image.hidden = false }
  image.src = photos + point.row
  return image
}

function inView(plot, x, y) {
  const points = []
  const between = (value, [from, to]) => (value - from) * (value - to) <= 0
  for (const trace of plot._fullData) {
    if (trace.visible !== true || !trace.customdata) continue
    const {color, opacity} = trace.marker
    for (let i = 0; i < trace.x.length; i++)
      if (between(trace.x[i], x.range) && between(trace.y[i], y.range))
        points.push({row: trace.customdata[i][0], x: trace.x[i], y: trace.y[i], colour: color, faint: opacity[i] < 0.5,
                     left: pixel(x, trace.x[i]), top: pixel(y, trace.y[i])})
  }
  return points.sort((one, other) => one.row - other.row)
}

// Those of the points that lie at least so many pixels from those before them, one way or the other.
function apart(points, pixels) {
  const taken = []
  for (const point of points) {
    const free = other => Math.abs(other.left - point.left) >= pixels || Math.abs(other.top - point.top) >= pixels
    if (taken.every(free)) taken.push(point)
  }
  return taken
}

function made(tag, name = "") {
  const element = document.createElement(tag)
  element.className = name
  return element
}

function within(value, most) {
  return Math.max(0, Math.min(value, most))
}
