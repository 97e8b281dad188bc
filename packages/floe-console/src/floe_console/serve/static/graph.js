// Draws the products as a graph: producers at the left, an edge for each port that is read.
import {at, kindOf, MARKS, svg} from "./elements.js";

const WIDTH = 178, HEIGHT = 54, SMALLEST = .6;
export const MOST_DRAWN = 60;
let laidOut = {key: "", graph: null}, view = null;

function layout(products, edges) {
  const key = JSON.stringify([products.map(each => each.name), edges]);
  if (laidOut.key === key) return laidOut.graph;
  const graph = new dagre.graphlib.Graph({multigraph: true});
  graph.setGraph({rankdir: "LR", nodesep: 16, ranksep: 90, marginx: 12, marginy: 12});
  graph.setDefaultEdgeLabel(() => ({}));
  for (const each of products) graph.setNode(each.name, {width: WIDTH, height: HEIGHT});
  for (const [from, to, port] of edges) graph.setEdge(from, to, {}, port);
  dagre.layout(graph);
  spread(graph, products, edges);
  laidOut = {key, graph};
  view = null;
  return graph;
}

/** Put products that neither read nor are read into rows below the others. */
function spread(graph, products, edges) {
  const joined = new Set(edges.flatMap(([from, to]) => [from, to]));
  const alone = products.filter(each => !joined.has(each.name));
  if (alone.length < 2) return;
  const rest = products.filter(each => joined.has(each.name)).map(each => graph.node(each.name));
  const top = Math.min(...rest.map(each => each.y), HEIGHT), shift = top - HEIGHT / 2 - 12;
  for (const each of rest) each.y -= shift;
  for (const each of graph.edges()) for (const point of graph.edge(each).points || []) point.y -= shift;
  const below = rest.length ? Math.max(...rest.map(each => each.y)) + HEIGHT + 40 : HEIGHT / 2 + 12;
  const right = rest.length ? Math.max(...rest.map(each => each.x)) : 0;
  const columns = Math.max(Math.ceil(Math.sqrt(alone.length * 2.2)), Math.floor(right / (WIDTH + 22)), 2);
  alone.forEach((each, number) => {
    const node = graph.node(each.name);
    node.x = WIDTH / 2 + 12 + (number % columns) * (WIDTH + 22);
    node.y = below + Math.floor(number / columns) * (HEIGHT + 18);
  });
}

const clip = (text, most) => text.length > most ? text.slice(0, most - 1) + "…" : text;

function node(product, place, dim, isMiddle) {
  const {x, y} = place, kind = kindOf(product.status);
  const left = x - WIDTH / 2, top = y - HEIGHT / 2;
  return svg("a", {href: at("product", product.name), class: `node ${kind}${dim ? " far" : ""}${isMiddle ? " middle" : ""}`, "data-focus": `graph ${product.name}`,
    "aria-label": `${product.name}, ${product.status}: ${product.why}`},
    svg("title", {}, `${product.name}: ${product.why}`),
    svg("rect", {x: left, y: top, width: WIDTH, height: HEIGHT, rx: 8}),
    svg("rect", {x: left, y: top, width: 5, height: HEIGHT, rx: 2, class: "stripe"}),
    svg("text", {x: left + 16, y: y - 5, class: "name"}, clip(product.name, 18)),
    svg("text", {x: left + 16, y: y + 14, class: "sub"}, clip(`${product.orchestrator || "not published"}`, 22)),
    svg("text", {x: left + WIDTH - 14, y: y + 5, class: "mark", "text-anchor": "end"}, MARKS[product.status] || "?"));
}

function edgeLine(points) {
  const [first, ...rest] = points;
  let path = `M${first.x},${first.y}`;
  for (let index = 0; index < rest.length - 1; index++) {
    const end = index === rest.length - 2 ? rest[index + 1] : {x: (rest[index].x + rest[index + 1].x) / 2, y: (rest[index].y + rest[index + 1].y) / 2};
    path += ` Q${rest[index].x},${rest[index].y} ${end.x},${end.y}`;
  }
  return rest.length === 1 ? `${path} L${rest[0].x},${rest[0].y}` : path;
}

export function edgesOf(products) {
  const known = new Set(products.map(each => each.name));
  return products.flatMap(each => (each.reads || []).map(port => [port.slice(0, port.indexOf("/")), each.name, port])).filter(each => known.has(each[0]));
}

/** The names to draw around some: those themselves, then what they feed and read, up to a limit. */
export function around(seeds, products) {
  const found = new Set(seeds.slice(0, MOST_DRAWN)), chosen = new Set(found);
  for (const [from, to] of edgesOf(products)) {
    const near = chosen.has(from) ? to : chosen.has(to) ? from : null;
    if (near && found.size < MOST_DRAWN) found.add(near);
  }
  return found;
}

/** The names of what a product reads and feeds, directly or through others, the nearest first, up to a limit. */
export function chainOf(name, products, most = 30) {
  const edges = edgesOf(products), found = new Set([name]);
  for (const [here, there] of [[1, 0], [0, 1]]) {
    let front = [name];
    while (front.length) {
      const near = new Set(front);
      front = edges.filter(edge => near.has(edge[here])).map(edge => edge[there]).filter(each => !found.has(each));
      for (const each of front) if (found.size < most) found.add(each);
      if (found.size >= most) break;
    }
  }
  return found;
}

export function drawGraph(products, matches, middle = "") {
  const edges = edgesOf(products), graph = layout(products, edges), waits = new Set();
  for (const each of products) for (const job of each.jobs || []) for (const port of job.waiting_for || []) waits.add(`${port} ${each.name}`);
  const boxes = products.map(each => graph.node(each.name));
  const width = Math.max(...boxes.map(each => each.x + WIDTH / 2), 200) + 12, height = Math.max(...boxes.map(each => each.y + HEIGHT / 2), 60) + 12;
  const drawing = svg("svg", {class: "graph", role: "group", "aria-label": "Products and the ports that they read"},
    svg("defs", {}, svg("marker", {id: "arrow", viewBox: "0 0 8 8", refX: 8, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto"}, svg("path", {d: "M0,0 L8,4 L0,8 z"}))),
    graph.edges().map(each => {
      const far = !matches(each.v) || !matches(each.w);
      return svg("path", {d: edgeLine(graph.edge(each).points), "marker-end": "url(#arrow)",
        class: `edge${waits.has(`${each.name} ${each.w}`) ? " waits" : ""}${far ? " far" : ""}`}, svg("title", {}, `${each.w} reads ${each.name}`));
    }),
    products.map(each => node(each, graph.node(each.name), !matches(each.name), each.name === middle)));
  move(drawing, width, height);
  return {drawing, height, width, zoom: factor => zoom(drawing, factor, width, height), fit: () => { view = null; move(drawing, width, height); }};
}

function move(drawing, width, height) {
  view ??= whole(drawing, width, height);
  drawing.style.height = `${view.high}px`;
  drawing.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`);
  let from = null;
  drawing.onpointerdown = event => { if (!event.target.closest("a")) { from = event; drawing.setPointerCapture(event.pointerId); } };
  drawing.onpointerup = () => { from = null; };
  drawing.onpointermove = event => {
    if (!from) return;
    const scale = Math.max(view.width / drawing.clientWidth, view.height / drawing.clientHeight);
    view = {...view, x: view.x - (event.clientX - from.clientX) * scale, y: view.y - (event.clientY - from.clientY) * scale};
    from = event;
    drawing.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`);
  };
}

/** The part of the drawing that shows all of it, not larger than life. */
function whole(drawing, width, height) {
  const room = document.getElementById("main").clientWidth, most = Math.min(innerHeight * .42, 480);
  const scale = Math.max(Math.min(1, room / width, most / height), SMALLEST), high = Math.min(Math.max(height * scale, 110), most);
  const seen = {width: room / scale, height: high / scale};
  return {...seen, x: seen.width > width ? (width - seen.width) / 2 : 0, y: seen.height > height ? (height - seen.height) / 2 : 0, high};
}

function zoom(drawing, factor, width, height) {
  const next = {...view, width: view.width * factor, height: view.height * factor};
  if (next.width < 200 || next.width > Math.max(width, view.width) * 3) return;
  view = {...next, x: view.x + (view.width - next.width) / 2, y: view.y + (view.height - next.height) / 2};
  move(drawing, width, height);
}
