// Makes elements. All text goes in as text: nothing here reads HTML.

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  return fill(element, attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter(each => each !== null && each !== undefined && each !== false && each !== ""));
  return element;
}

/** An address of this page, for instance `#/run/dagster/sales/1`. A link to elsewhere only if it is HTTP. */
export const at = (...parts) => "#/" + parts.map(encodeURIComponent).join("/");

export function link(text, href, attributes = {}) {
  return h("a", {href, ...attributes}, text);
}

export function outside(text, href) {
  return /^https?:\/\//.test(href || "") ? h("a", {href, rel: "noreferrer noopener", target: "_blank"}, text, h("span", {"aria-hidden": "true"}, " ↗")) : "";
}

export const MARKS = {failed: "✕", error: "✕", fail: "✕", late: "!", unknown: "?", unpublished: "–", running: "▶", queued: "…",
  pending: "…", new: "○", ok: "✓", success: "✓", pass: "✓", warn: "!", canceled: "⊘", skipped: "⤼", reused: "↺"};
const KINDS = {failed: "bad", error: "bad", fail: "bad", late: "warn", warn: "warn", unknown: "dim", unpublished: "dim", running: "live",
  queued: "live", pending: "dim", new: "dim", ok: "good", success: "good", pass: "good", canceled: "dim", skipped: "dim", reused: "good"};
export const kindOf = state => KINDS[state] || "dim";

export function badge(state, text = state) {
  return h("span", {class: `badge ${kindOf(state)}`}, h("i", {"aria-hidden": "true"}, MARKS[state] || "?"), text);
}

export function when(text, now = Date.now()) {
  if (!text) return h("span", {class: "soft"}, "–");
  const moment = new Date(text);
  return h("time", {datetime: text, title: moment.toLocaleString()}, ago(moment.getTime(), now));
}

function ago(moment, now) {
  const seconds = Math.round((now - moment) / 1000), size = Math.abs(seconds);
  const [unit, length] = size < 60 ? ["s", 1] : size < 3600 ? ["min", 60] : size < 172800 ? ["h", 3600] : ["d", 86400];
  const text = `${Math.round(size / length)} ${unit}`;
  return seconds < 0 ? `in ${text}` : size < 5 ? "now" : `${text} ago`;
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < .05) return "< 0.1 s";
  if (seconds < 60) return `${seconds < 10 ? Number(seconds.toFixed(1)) : Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${Math.round(seconds % 60)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function elapsed(run, now = Date.now()) {
  return run.seconds ?? (run.started_at ? Math.max(0, (now - new Date(run.started_at)) / 1000) : null);
}

/** A long text, cut with a button that shows the rest. */
export function long(text, most, tag = "p", attributes = {}) {
  if (text.length <= most) return h(tag, attributes, text);
  const shown = h(tag, attributes, text.slice(0, most) + "…");
  const button = h("button", {type: "button", class: "more"}, `Show all ${text.length.toLocaleString()} characters`);
  button.addEventListener("click", () => { shown.textContent = text; button.remove(); });
  return h("div", {}, shown, button);
}

export function table(caption, heads, rows, attributes = {}) {
  return h("div", {class: "scroll"}, h("table", attributes, h("caption", {class: "hidden"}, caption),
    h("thead", {}, h("tr", {}, heads.map(each => h("th", {scope: "col"}, each)))), h("tbody", {}, rows)));
}

export function facts(pairs) {
  return h("dl", {class: "facts"}, pairs.filter(([, value]) => value !== "" && value !== null && value !== undefined)
    .map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

export const countOf = (number, noun) => `${number.toLocaleString()} ${noun}${number === 1 ? "" : "s"}`;

export const unknown = why => h("span", {class: "dim", title: why}, "unknown", h("span", {class: "why"}, `: ${why}`));
