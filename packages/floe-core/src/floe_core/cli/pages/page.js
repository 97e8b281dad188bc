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
