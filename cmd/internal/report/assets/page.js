// The page: charts, cells whose edges show their alphas, small charts of all edges, and looking for a newer page.
const json = id => { const e = document.getElementById(id); return e && JSON.parse(e.textContent); };
const all = (selector, root) => [...(root || document).querySelectorAll(selector)];
const make = (tag, parent, props) => parent.appendChild(Object.assign(document.createElement(tag), props));
const charts = json("charts");
const alphasOf = {};
for (const e of all("[id$=-alphas]")) alphasOf[e.id.replace(/-alphas$/, "")] = JSON.parse(e.textContent);

const edgeChart = (a, edge) => ({ kind: "lines", xlabel: "epoch", ylabel: "weight", x: a.epochs, series: edge.ops });

// near draws when an element comes near the screen: a page of many charts is there at once.
const near = new IntersectionObserver(list => {
  for (const e of list) if (e.isIntersecting) { near.unobserve(e.target); e.target.start(); }
}, { rootMargin: "600px" });
function later(element, start) { element.start = () => { if (!element.started) { element.started = true; start(); } }; near.observe(element); }

for (const e of all("[data-chart]")) later(e, () => draw(e, charts[e.dataset.chart]));

// Cells: pointing at an edge, focusing or touching it shows its operations.
for (const figure of all("figure[data-cell]")) {
  const a = alphasOf[figure.dataset.run], edges = a && a.cells[figure.dataset.cell];
  const title = figure.querySelector(".edge-title"), place = figure.querySelector(".edge-chart");
  const genes = all("[data-edge]", figure);
  const show = g => {
    if (g.classList.contains("chosen")) return;
    genes.forEach(x => { x.classList.toggle("chosen", x === g); x.setAttribute("aria-pressed", x === g); });
    if (!edges) { title.textContent = g.getAttribute("aria-label"); return; }
    const edge = edges[+g.dataset.edge], last = o => o.values[o.values.length - 1];
    const chosen = edge.ops.find(o => o.op === edge.chosen);
    title.textContent = edge.from + " → " + edge.to + ": " + (edge.chosen || "") + (chosen ? " with weight " + pretty(last(chosen)) : "");
    const at = drawn.findIndex(d => d[0] === place);
    if (at >= 0) drawn.splice(at, 1);
    draw(place, edgeChart(a, edge));
  };
  for (const g of genes) for (const event of ["pointerenter", "focus", "click"]) g.addEventListener(event, () => show(g));
  if (genes.length) later(figure, () => show(genes[0]));
}

// All edges, small.
for (const grid of all("[data-edges]")) {
  const a = alphasOf[grid.dataset.run];
  for (const edge of a.cells[grid.dataset.edges]) {
    const figure = make("figure", grid, { className: edge.chosen ? "found" : "" });
    const caption = make("figcaption", figure, { textContent: edge.from + " → " + edge.to });
    if (edge.chosen) make("b", caption, { textContent: edge.chosen });
    const ends = edge.ops.map(o => o.op + " " + pretty(o.values[o.values.length - 1])).join(", ");
    const place = make("div", figure, { className: "edge-chart" });
    place.setAttribute("role", "img");
    place.setAttribute("aria-label", "Weights at the end: " + ends);
    figure.title = ends;
    later(place, () => draw(place, edgeChart(a, edge), true));
  }
}
for (const legend of all("[data-legend]")) {
  const seen = new Set();
  for (const edges of Object.values(alphasOf[legend.dataset.legend].cells)) for (const e of edges) for (const o of e.ops) seen.add(o.op);
  for (const op of seen) make("span", legend, { textContent: op }).style.setProperty("--k", "var(--" + opColor(op) + ")");
}

// Another theme, another width, paper.
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
matchMedia("print").addEventListener("change", redraw);
addEventListener("beforeprint", () => { all("details").forEach(d => d.open = true); all("[data-chart],figure,.edge-chart").forEach(e => e.start && e.start()); redraw(); });
let width = innerWidth, timer;
addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; clearTimeout(timer); timer = setTimeout(redraw, 150); } });

// A page that is served looks for a newer one. A browser keeps the place on the page when it loads again.
if ("live" in document.body.dataset) {
  let tag;
  setInterval(async () => {
    try {
      const now = (await fetch(location.pathname, { method: "HEAD", cache: "no-store" })).headers.get("ETag");
      if (tag && now && now !== tag) location.reload();
      tag = now || tag;
    } catch { /* the server has ended: the page stays */ }
  }, 2000);
}
