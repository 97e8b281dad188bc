// One run, and one node of a run.
import {at, badge, countOf, duration, elapsed, facts, h, link, long, outside, table, unknown, when} from "./elements.js";
import {ask} from "./server.js";

const bad = state => state === "error" || state === "fail";

export async function runView(state, [place, product, run_id]) {
  const run = await ask("run", {place, product, run: run_id});
  state.isOver = !["running", "queued"].includes(run.state);
  const shownNow = run.nodes.filter(each => bad(each.state));
  return [crumbs(run), h("div", {class: "title"}, h("h2", {}, `Run of ${run.job === run.product ? run.product : `${run.product}.${run.job}`}`), badge(run.state)),
    facts([["Run", h("code", {}, run.run_id)], ["Began", when(run.started_at || run.created_at)], ["Took", duration(elapsed(run))], ["For", run.nominal_time ? new Date(run.nominal_time).toLocaleString() : ""],
      ["Nodes from", run.source], ["In its own page", outside(run.place, run.link)]]),
    bar(run), upstream(run),
    run.problem ? h("section", {class: "failure"}, h("h3", {}, "Why it failed"), long(run.problem, 3000, "pre")) : "",
    run.affected.length ? affectedPart(run.affected) : "",
    run.unknown ? h("p", {}, "Nodes: ", unknown(run.unknown)) : "",
    run.nodes.length ? [h("h3", {}, shownNow.length ? `Nodes, ${shownNow.length} failed` : "Nodes"), nodeTable(run, run.nodes)] : ""].flat();
}

function crumbs(run, ...more) {
  return h("nav", {class: "crumbs", "aria-label": "Path"}, link("Products", "#/"), link(run.product, at("product", run.product)), more);
}

function bar(run) {
  const {done, total, failed, now} = run.progress;
  if (total === undefined || run.unknown) return "";
  const over = !["running", "queued"].includes(run.state);
  return h("p", {class: "progress big", role: "status"}, h("progress", {max: total || 1, value: done, class: failed ? "bad" : "", "aria-label": "Progress"}),
    h("span", {}, `${done} of ${countOf(total, "node")}${failed ? `, ${failed} failed` : ""}${!over && now.length ? `; now ${now.slice(0, 5).join(", ")}` : ""}`));
}

function upstream(found) {
  if (!found.upstream_failures.length) return "";
  return h("p", {class: "warn"}, "Products that it reads failed last: ", found.upstream_failures.map((each, place) => [place ? ", " : "", link(each.product, at("product", each.product))]).flat());
}

function affectedPart(affected) {
  return h("section", {}, h("h3", {}, "Affected products"), table("Affected products", ["Product", "On", "Owner", "Through", "Nodes"], affected.map(each => h("tr", {},
    h("th", {scope: "row"}, link(each.product, at("product", each.product), {"data-focus": `affected ${each.product}`})), h("td", {}, each.orchestrator), h("td", {}, each.owner),
    h("td", {}, each.ports.join(", ")), h("td", {}, String(each.nodes))))));
}

function nodeTable(run, nodes) {
  return table("Nodes", ["Status", "Node", "Type", "Took", "Rows", "Message"], nodes.map(each => h("tr", {},
    h("td", {}, badge(each.state)),
    h("th", {scope: "row"}, link(each.name, at("node", run.place, run.product, run.run_id, each.unique_id), {"data-focus": `node ${each.unique_id}`, title: each.unique_id})),
    h("td", {class: "soft"}, each.type.replace("_", " ")), h("td", {}, duration(each.seconds)), h("td", {}, each.rows === null ? "" : each.rows.toLocaleString()),
    h("td", {class: bad(each.state) ? "message bad" : "message soft"}, each.message.length > 200 ? each.message.slice(0, 200) + "…" : each.message))), {class: "wide"});
}

export async function nodeView(state, [place, product, run_id, node_id]) {
  const found = await ask("node", {place, product, run: run_id, node: node_id});
  const {run, node} = found;
  return [crumbs(run, link(`Run ${run.run_id.slice(0, 18)}`, at("run", run.place, run.product, run.run_id))),
    h("div", {class: "title"}, h("h2", {}, node.name), badge(node.state)),
    facts([["Type", node.type.replace("_", " ")], ["File", found.path], ["Relation", found.relation], ["Took", duration(node.seconds)], ["Rows", node.rows === null ? "" : node.rows.toLocaleString()],
      ["Run began", when(run.started_at || run.created_at)], ["In its own page", outside(run.place, run.link)]]),
    found.description ? long(found.description, 400, "p", {class: "text"}) : "",
    found.unknown ? h("p", {}, "Its result: ", unknown(found.unknown)) : "",
    node.message && (bad(node.state) || node.state === "warn") ? h("section", {class: "failure"}, h("h3", {}, "Message"), long(node.message, 3000, "pre")) : "",
    found.causes.length ? h("section", {}, h("h3", {}, "Caused by"), nodeTable(run, found.causes)) : "",
    upstream(found),
    found.affected.length ? affectedPart(found.affected) : "",
    h("h3", {}, "Compiled SQL"), found.sql ? h("div", {class: "code"}, copyButton(found.sql), long(found.sql, 20000, "pre", {tabindex: 0, "aria-label": "Compiled SQL"})) : h("p", {}, unknown(found.sql_unknown)),
    found.downstream.length ? [h("h3", {}, `Downstream in ${run.product}`), nodeTable(run, found.downstream)] : ""].flat();
}

function copyButton(text) {
  const button = h("button", {type: "button", class: "copy"}, "Copy");
  button.addEventListener("click", async () => { await navigator.clipboard.writeText(text); button.textContent = "Copied"; });
  return button;
}
