// The products of the platform, one product, and the runs of all orchestrators.
import {at, badge, countOf, duration, elapsed, facts, h, kindOf, link, long, MARKS, table, unknown, when} from "./elements.js";
import {around, chainOf, drawGraph, MOST_DRAWN} from "./graph.js";
import {ask} from "./server.js";

const ORDER = ["failed", "late", "unknown", "running", "unpublished", "new", "ok"];
const WORDS = {failed: "failed", late: "late", unknown: "not readable", running: "running", unpublished: "not published", new: "not run yet", ok: "fine"};
let graphIsShown = true;

const words = text => text.toLowerCase().split(/\s+/).filter(Boolean);
const matching = text => product => words(text).every(word =>
  `${product.name} ${product.orchestrator} ${product.owner} ${product.description} ${product.status} ${WORDS[product.status]}`.toLowerCase().includes(word));

export async function productsView(state) {
  const {platform} = state;
  if (!platform) return null;
  const wanted = platform.products.filter(each => (!state.filter || each.status === state.filter) && matching(state.text)(each));
  const names = new Set(wanted.map(each => each.name));
  const sorted = [...wanted].sort((a, b) => ORDER.indexOf(a.status) - ORDER.indexOf(b.status) || a.name.localeCompare(b.name));
  return [h("h2", {class: "hidden"}, "Products"), chips(state), overview(state, names),
    sorted.length ? table("Products", ["Status", "Product", "Owner", "Last runs", "Last run", "Next", ""], sorted.map(row), {class: "wide"})
      : h("p", {class: "soft"}, "No product matches.")];
}

function chips(state) {
  const counts = Map.groupBy ? Object.fromEntries([...Map.groupBy(state.platform.products, each => each.status)].map(([key, each]) => [key, each.length])) :
    state.platform.products.reduce((found, each) => ({...found, [each.status]: (found[each.status] || 0) + 1}), {});
  const chip = (status, text, count) => h("button", {type: "button", class: `chip ${status ? kindOf(status) : ""}`, "aria-pressed": String(state.filter === status),
    "data-focus": `chip ${status}`, onclick: () => { state.filter = state.filter === status ? "" : status; state.show(); }},
    status && h("i", {"aria-hidden": "true"}, MARKS[status]), h("b", {}, String(count)), " ", text);
  return h("div", {class: "chips", role: "group", "aria-label": "Products by status"}, chip("", "products", state.platform.products.length),
    ORDER.filter(each => counts[each]).map(each => chip(each, WORDS[each], counts[each])));
}

/** The products to draw, and a sentence if those are not all: the ones searched for, or the ones to look at. */
function drawn(state, names) {
  const all = state.platform.products;
  if (all.length <= MOST_DRAWN) return [all, ""];
  const isSearch = state.text || state.filter;
  const seeds = isSearch ? [...names] : all.filter(each => !["ok", "new", "unpublished"].includes(each.status)).map(each => each.name);
  if (!seeds.length) return [[], isSearch ? "" : `All ${all.length} products are fine. Search to draw some of them.`];
  const chosen = around(seeds, all);
  return [all.filter(each => chosen.has(each.name)), `${chosen.size} of ${all.length} products: ${isSearch ? "those that match" : "those to look at"}, and what they feed and read`];
}

function overview(state, names) {
  if (state.platform.products.length < 2) return "";
  const toggle = h("button", {type: "button", "data-focus": "toggle graph", "aria-expanded": String(graphIsShown), onclick: () => { graphIsShown = !graphIsShown; state.show(); }}, graphIsShown ? "Hide the graph" : "Show the graph");
  if (!graphIsShown) return h("div", {class: "tools"}, toggle);
  const [products, note] = drawn(state, names);
  return graphPart(products, name => names.has(name), note, toggle);
}

export function graphPart(products, matches, note, toggle = "", middle = "") {
  const part = h("section", {class: "graph-part", "aria-label": "Graph"}), tools = h("div", {class: "tools"}, toggle);
  part.append(tools, note && h("p", {class: "soft note"}, note));
  if (!products.length) return part;
  const graph = drawGraph(products, matches, middle);
  const button = (text, label, act) => h("button", {type: "button", "aria-label": label, "data-focus": label, onclick: act}, text);
  tools.append(button("Fit", "Fit the graph", graph.fit), button("−", "Zoom out", () => graph.zoom(1.3)), button("+", "Zoom in", () => graph.zoom(1 / 1.3)));
  part.append(graph.drawing);
  return part;
}

function row(product) {
  const last = product.last_runs[0];
  return h("tr", {"data-product": product.name},
    h("td", {}, badge(product.status, WORDS[product.status])),
    h("th", {scope: "row"}, link(product.name, at("product", product.name), {"data-focus": `row ${product.name}`, title: product.description.slice(0, 300)}),
      h("span", {class: "sub"}, product.orchestrator ? `${product.orchestrator} · ${product.version}` : product.problem)),
    h("td", {class: "soft"}, product.owner),
    h("td", {}, product.running.length ? product.running.map(progress) : bars(product)),
    h("td", {}, last ? when(last.ended_at || last.started_at || last.created_at) : "", last ? h("span", {class: "sub"}, duration(elapsed(last))) : ""),
    h("td", {}, next(product)),
    h("td", {class: "why"}, ["ok", "running"].includes(product.status) ? hints(product) : h("span", {class: kindOf(product.status)}, cut(product.why, 160))));
}

const cut = (text, most) => text.length > most ? text.slice(0, most) + "…" : text;

function hints(product) {
  const found = [];
  if (product.alerts.waiting) found.push(`${countOf(product.alerts.waiting, "alert")} wait${product.alerts.waiting === 1 ? "s" : ""}`);
  if (product.lineage.waiting) found.push(`${countOf(product.lineage.waiting, "lineage event")} wait${product.lineage.waiting === 1 ? "s" : ""}`);
  if (product.reuse.saved_seconds) found.push(`reuse saved ${duration(product.reuse.saved_seconds)}`);
  return h("span", {class: "soft"}, found.join(" · "));
}

function next(product) {
  const ticks = product.jobs.map(each => each.next_tick).filter(Boolean).sort();
  const waits = product.jobs.flatMap(each => each.waiting_for);
  if (waits.length) return h("span", {class: "warn"}, `waits for ${waits.join(", ")}`);
  if (ticks[0]) return when(ticks[0]);
  if (product.jobs.some(each => each.is_paused)) return h("span", {class: "soft"}, "paused");
  return h("span", {class: "soft"}, product.jobs.some(each => each.trigger) ? "on update" : "–");
}

/** The last runs as bars, the newest at the right, as high as they took long. */
function bars(product) {
  if (product.runs_unknown && !product.last_runs.length) return h("span", {class: "dim"}, "unknown");
  const longest = Math.max(...product.last_runs.map(each => each.seconds || 0), 1);
  return h("span", {class: "bars"}, [...product.last_runs].reverse().map(each => {
    const size = Math.max(1, Math.min(8, Math.ceil(8 * (each.seconds || 0) / longest)));
    const text = `${each.state}, ${each.job}, ${new Date(each.started_at || each.created_at).toLocaleString()}, ${duration(each.seconds)}`;
    return link("", at("run", each.place, each.product, each.run_id), {class: `bar h${size} ${kindOf(each.state)}`, title: text, "aria-label": text, tabindex: -1});
  }));
}

export function progress(run) {
  const {done, total, failed, now, unknown: why} = run.progress;
  const text = why || total === undefined ? "running" : `${done} of ${total}`;
  return h("span", {class: "progress"}, link(text, at("run", run.place, run.product, run.run_id), {"data-focus": `progress ${run.run_id}`}),
    total ? h("progress", {max: total, value: done, class: failed ? "bad" : "", "aria-label": `${run.job}: ${text}`}) : h("progress", {"aria-label": `${run.job}: ${text}`}),
    now?.length ? h("span", {class: "sub"}, cut(now.join(", "), 60)) : "");
}

export async function productView(state, [name]) {
  if (!state.platform) return null;
  const product = state.platform.products.find(each => each.name === name);
  if (!product) return [h("h2", {}, name), h("p", {}, "There is no such product on this platform.")];
  const [{runs, count}, {ports}] = await Promise.all([ask("runs", {product: name, text: state.text, limit: 30}), ask("product", {name})]);
  const near = chainOf(name, state.platform.products);
  const readers = new Set(product.ports.flatMap(each => each.consumers));
  return [
    h("nav", {class: "crumbs", "aria-label": "Path"}, link("Products", "#/")),
    h("div", {class: "title"}, h("h2", {}, product.name), badge(product.status, WORDS[product.status])),
    h("p", {class: kindOf(product.status)}, product.why),
    product.description ? long(product.description, 400, "p", {class: "text"}) : "",
    facts([["Orchestrator", product.orchestrator], ["Owner", product.owner], ["Version", product.version], ["Nodes", product.nodes ? String(product.nodes) : ""],
      ["Late", product.late.length ? h("span", {class: "warn"}, product.late.map(each => `${each.job}: ${new Date(each.deadline).toLocaleString()}`).join(", ")) : Object.values(product.deadlines).length ? `no; due ${Object.values(product.deadlines).join(", ")}` : "no deadline"],
      ["Alerts", told(product.alerts, each => each.targets ? [`${each.waiting} wait, ${each.refused} refused`, each.last_failure].filter(Boolean).join(": ") : "none are sent")],
      ["Lineage events", told(product.lineage, each => [`${each.waiting} wait, ${each.refused} refused`, each.last_failure].filter(Boolean).join(": "))],
      ["Reuse", told(product.reuse, each => each.policy === "off" && !each.reused ? "off" : `${countOf(each.reused, "node")} reused, ${duration(each.saved_seconds)} saved in the last ${countOf(each.runs, "run")}`)],
      ["Freshness", product.freshness.policy === "off" ? "not measured" : told(product.freshness, each => each.sources.length ? each.sources.map(source => badge(source.state, source.source)) : "not measured yet")],
      ["Partitions", product.partitions.by === "" ? "" : told(product.partitions, each => partitionStrip(each))]]),
    near.size > 1 ? graphPart(state.platform.products.filter(each => near.has(each.name)), () => true, "", "", name) : "",
    product.running.length ? h("section", {}, h("h3", {}, "Running now"), product.running.map(progress)) : "",
    h("h3", {}, "Jobs"), table("Jobs", ["Job", "Starts", "Next", "Waits for"], product.jobs.map(jobRow)),
    h("h3", {}, `Runs${count > runs.length ? ` (the last ${runs.length} of ${count.toLocaleString()})` : ""}`),
    runs.length ? runTable(runs, false) : h("p", {class: "soft"}, product.runs_unknown ? unknown(product.runs_unknown) : "None are known."),
    product.ports.length ? [h("h3", {}, "Ports"), ports.map(portPart)] : "",
    product.reads.length ? [h("h3", {}, "Reads"), h("ul", {}, product.reads.map(key => h("li", {}, link(key, at("product", key.slice(0, key.indexOf("/")))),
      product.not_offered.includes(key) ? h("span", {class: "bad"}, " is no longer offered") : "")))] : "",
    readers.size ? [h("h3", {}, "Read by"), h("ul", {}, [...readers].sort().map(each => h("li", {}, link(each, at("product", each)))))] : ""].flat();
}

/** The last partitions as squares, and how many there are of each kind. */
function partitionStrip({by, counts, last}) {
  return [h("span", {class: "strip", role: "img", "aria-label": `the last ${countOf(last.length, "partition")}`}, last.map(each => h("i", {class: each.state, title: `${each.key}: ${each.state}`}))),
    h("span", {class: "sub"}, `by ${by}: ${Object.entries(counts).map(([state, count]) => `${count} ${state}`).join(", ")}`)];
}

const told = (fact, say) => fact.unknown ? unknown(fact.unknown) : say(fact);

function jobRow(job) {
  const starts = [job.schedule, job.trigger && `on update of ${job.trigger.on_update} of ${job.trigger.ports.join(", ")}`, job.is_paused && "paused"].filter(Boolean);
  return h("tr", {}, h("th", {scope: "row"}, job.name), h("td", {}, starts.join(" · ") || "by hand"), h("td", {}, when(job.next_tick)),
    h("td", {class: job.waiting_for.length || job.stale.length ? "warn" : "soft"},
      job.unknown && job.trigger ? unknown(job.unknown) : [job.waits_for || (job.is_due && "is due"), job.stale.length && `stale: ${job.stale.join(", ")}`].filter(Boolean).join(" · ")));
}

function portPart(port) {
  const update = port.last_update;
  return h("details", {"data-focus": `port ${port.port}`}, h("summary", {"data-focus": `summary ${port.port}`}, port.port, " ", update ? h("span", {class: "soft"}, "updated ", when(update.moment)) : port.unknown ? unknown(port.unknown) : h("span", {class: "soft"}, "never updated")),
    port.description ? long(port.description, 400) : "",
    port.consumers.length ? h("p", {}, "Read by ", port.consumers.map((each, place) => [place ? ", " : "", link(each, at("product", each))]).flat()) : h("p", {class: "soft"}, "Read by nobody"),
    table(`Columns of ${port.port}`, ["Column", "Type"], port.columns.map(each => h("tr", {}, h("th", {scope: "row"}, each.name), h("td", {class: "soft"}, each.type)))));
}

export function runTable(runs, withProduct = true) {
  return table("Runs", ["Status", withProduct ? "Product" : "Run", "Job", "Began", "Took", "For", "Where"], runs.map(run => h("tr", {},
    h("td", {}, badge(run.state)),
    h("th", {scope: "row"}, link(withProduct ? run.product : cut(run.run_id, 28), at("run", run.place, run.product, run.run_id), {"data-focus": `run ${run.place} ${run.run_id}`, title: run.run_id})),
    h("td", {}, run.job), h("td", {}, when(run.started_at || run.created_at)), h("td", {}, duration(elapsed(run))),
    h("td", {class: "soft"}, run.nominal_time ? new Date(run.nominal_time).toLocaleString(undefined, {dateStyle: "short", timeStyle: "short"}) : ""),
    h("td", {class: "soft"}, run.place))), {class: "wide"});
}

const SPANS = {"": "any time", 1: "last hour", 24: "last 24 hours", 168: "last 7 days", 720: "last 30 days"};

export async function runsView(state, parts, query) {
  if (!state.platform) return null;
  const chosen = Object.fromEntries(["product", "state", "place", "span", "from", "to"].map(name => [name, query.get(name) || ""]));
  const since = chosen.from ? new Date(chosen.from) : chosen.span ? new Date(Date.now() - chosen.span * 3600000) : null;
  const limit = Math.min(Number(query.get("limit")) || 100, 500);
  const {runs, count} = await ask("runs", {text: state.text, product: chosen.product, state: chosen.state, place: chosen.place, since: since && !isNaN(since) ? since.toISOString() : "",
    until: chosen.to && !isNaN(new Date(chosen.to)) ? new Date(chosen.to).toISOString() : "", limit});
  const go = (name, value) => { const next = new URLSearchParams(query); value ? next.set(name, value) : next.delete(name); location.hash = `#/runs?${next}`; };
  const select = (name, label, options) => h("label", {}, label, " ", h("select", {"data-focus": `filter ${name}`, onchange: event => go(name, event.target.value)},
    options.map(([value, text]) => h("option", {value, selected: chosen[name] === value}, text))));
  const date = (name, label) => h("label", {}, label, " ", h("input", {type: "datetime-local", value: chosen[name], "data-focus": `filter ${name}`, onchange: event => go(name, event.target.value)}));
  const unread = state.platform.places.filter(each => each.problem);
  return [h("h2", {}, "Runs"),
    h("div", {class: "filters"}, select("product", "Product", [["", "all"], ...state.platform.products.map(each => [each.name, each.name])]),
      select("state", "Status", [["", "all"], ...["failed", "running", "queued", "success", "canceled"].map(each => [each, each])]),
      select("place", "Orchestrator", [["", "all"], ...state.platform.places.map(each => [each.name, each.name])]),
      select("span", "Time", Object.entries(SPANS)), date("from", "From"), date("to", "To")),
    h("p", {class: "soft", role: "status", id: "count"}, `${count.toLocaleString()} run${count === 1 ? "" : "s"}${unread.length ? `; those of ${unread.map(each => each.name).join(", ")} are not all known` : ""}`),
    runs.length ? runTable(runs) : h("p", {class: "soft"}, "No run matches."),
    runs.length < count && limit < 500 ? h("button", {type: "button", "data-focus": "more runs", onclick: () => go("limit", String(Math.min(limit + 200, 500)))}, "Show more") : ""];
}
