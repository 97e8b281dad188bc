"use strict";
const $ = id => document.getElementById(id);
const color = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const dark = matchMedia("(prefers-color-scheme: dark)");
const pen = document.createElement("canvas").getContext("2d");
pen.font = "13px system-ui, sans-serif";

/** Return the graph of the page, with its buttons; `styles` returns its styles for light or dark. */
function openGraph(styles, padding) {
  const cy = cytoscape({container: $("graph"), style: styles(), wheelSensitivity: .25, minZoom: .05, maxZoom: 3,
    boxSelectionEnabled: false, autoungrabify: true});
  const zoom = by => cy.zoom({level: cy.zoom() * by, renderedPosition: {x: cy.width() / 2, y: cy.height() / 2}});
  $("fit").onclick = () => cy.fit(undefined, padding);
  $("in").onclick = () => zoom(1.3);
  $("out").onclick = () => zoom(1 / 1.3);
  dark.addEventListener("change", () => cy.style(styles()));
  return cy;
}

// Above it, dagre takes minutes, or more of the stack than there is.
const MOST_FOR_DAGRE = 1500;

/** Give each node of a graph its place: by dagre, or in columns, each right of what it depends on. */
function arrange(graph) {
  if (graph.nodeCount() <= MOST_FOR_DAGRE) { dagre.layout(graph); return; }
  const left = new Map(graph.nodes().map(id => [id, graph.inEdges(id).length]));
  const ready = graph.nodes().filter(id => !left.get(id)), places = new Map(ready.map(id => [id, 0])), columns = [];
  for (const id of ready) {
    const place = places.get(id);
    (columns[place] ??= []).push(graph.node(id));
    for (const {w} of graph.outEdges(id)) {
      places.set(w, Math.max(places.get(w) ?? 0, place + 1));
      left.set(w, left.get(w) - 1);
      if (!left.get(w)) ready.push(w);
    }
  }
  const {nodesep, ranksep} = graph.graph();
  let x = 0;
  for (const column of columns) {
    const width = Math.max(...column.map(each => each.width));
    let y = -column.reduce((sum, each) => sum + each.height + nodesep, 0) / 2;
    for (const each of column) { Object.assign(each, {x: x + width / 2, y: y + each.height / 2}); y += each.height + nodesep; }
    x += width + ranksep;
  }
}

function make(name, text, parent, className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  parent.append(made);
  return made;
}

function link(text, parent, go, isOn = false) {
  const made = make("button", text, parent, isOn ? "link on" : "link");
  made.onclick = go;
  return made;
}
