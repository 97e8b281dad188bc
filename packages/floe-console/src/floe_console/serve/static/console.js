// Polls the server, keeps what it said, and shows the view that the address names.
import {h} from "./elements.js";
import {productsView, productView, runsView} from "./views.js";
import {nodeView, runView} from "./details.js";
import {ask, state} from "./server.js";

const POLL = 2000, $ = id => document.getElementById(id);
state.show = show;

const ROUTES = {"": productsView, runs: runsView, product: productView, run: runView, node: nodeView};

function route() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/");
  let parts;
  try { parts = rest.map(decodeURIComponent); } catch { parts = []; }
  return {name, parts, query: new URLSearchParams(query), view: ROUTES[name] || productsView};
}

/** Show the view anew; keep the focus, what is typed, and the place on the page. */
async function show({isNew = false} = {}) {
  const {name, parts, query, view} = route(), asked = location.hash, main = $("main");
  let content;
  try {
    content = await view(state, parts, query);
  } catch (error) {
    content = [h("h2", {}, "This cannot be shown"), h("p", {}, error.message || String(error)), h("p", {}, h("a", {href: "#/"}, "All products"))];
  }
  if (asked !== location.hash || content === null) return;
  const focused = main.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
  const scrolls = [...main.querySelectorAll(".scroll")].map(each => [each.scrollLeft, each.scrollTop]);
  const opened = [...main.querySelectorAll("details[open]")].map(each => each.dataset.focus);
  main.replaceChildren(...[content].flat(Infinity));
  document.title = [main.querySelector("h2")?.textContent, state.platform?.platform].filter(Boolean).join(" · ");
  for (const [id, current] of [["to-products", name !== "runs" && name !== "run" && name !== "node"], ["to-runs", ["runs", "run", "node"].includes(name)]]) {
    current ? $(id).setAttribute("aria-current", "page") : $(id).removeAttribute("aria-current");
  }
  if (isNew) { scrollTo(0, 0); return; }
  main.querySelectorAll(".scroll").forEach((each, index) => { if (scrolls[index]) [each.scrollLeft, each.scrollTop] = scrolls[index]; });
  for (const each of main.querySelectorAll("details")) if (opened.includes(each.dataset.focus)) each.open = true;
  if (focused) main.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus({preventScroll: true});
}

function notices() {
  const found = [];
  const {platform, failedAt} = state;
  if (failedAt) found.push(["bad", "The server of this page does not answer: what follows may be out of date."]);
  if (platform?.problem) found.push(["warn", platform.problem]);
  if (platform?.cycle.length) found.push(["bad", `Products form a cycle: ${platform.cycle.join(" → ")}`]);
  for (const place of platform?.places || []) {
    const since = place.read_at ? `, last read ${new Date(place.read_at).toLocaleTimeString()}` : "";
    if (place.problem && place.problem !== "it has not been read yet") found.push(["warn", `${place.name} cannot be read${since}: ${place.problem}`]);
  }
  const text = JSON.stringify(found);
  if ($("notices").dataset.shown !== text) {
    $("notices").dataset.shown = text;
    $("notices").replaceChildren(...found.map(([kind, said]) => h("p", {class: `notice ${kind}`}, said)));
  }
}

async function poll() {
  try {
    const found = await ask("platform", {}, state.etag ? {"if-none-match": state.etag} : {});
    state.failedAt = 0;
    $("freshness").textContent = "live";
    $("freshness").className = "live";
    const isFirst = !state.platform;
    if (found) {
      state.platform = found;
      $("title").textContent = found.platform;
    }
    notices();
    if (found || isFirst || (route().name === "run" && !state.isOver)) await show({isNew: isFirst});
  } catch {
    state.failedAt ||= Date.now();
    $("freshness").textContent = "not connected";
    $("freshness").className = "bad";
    notices();
  }
  setTimeout(poll, document.hidden ? POLL * 5 : POLL);
}

$("text").addEventListener("input", () => { state.text = $("text").value; show(); });
$("search").addEventListener("submit", event => {
  event.preventDefault();
  if (route().name !== "runs" && !document.querySelector("#main [data-product]")) location.hash = "#/runs";
});
addEventListener("hashchange", () => show({isNew: true}));
addEventListener("keydown", event => {
  const typing = /^(input|select|textarea)$/i.test(event.target.tagName);
  if (event.key === "/" && !typing) { event.preventDefault(); $("text").focus(); }
  else if (event.key === "Escape" && event.target === $("text")) { $("text").value = state.text = ""; $("text").blur(); show(); }
  else if (event.key === "Escape" && !typing && location.hash.length > 2) history.back();
  else if ((event.key === "j" || event.key === "k") && !typing && !event.ctrlKey && !event.metaKey) step(event.key === "j" ? 1 : -1);
});

/** Go to the next or the one before of the main links of a view, as the arrow keys of a list. */
function step(by) {
  const links = [...$("main").querySelectorAll("tbody a[data-focus]")];
  const place = links.indexOf(document.activeElement);
  links[Math.min(Math.max(place + by, 0), links.length - 1)]?.focus();
}

poll();
