"use strict";
// Charts of the page, drawn by uPlot. What they show comes as JSON; colours come from the style sheet.
const color = name => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
const drawn = []; // [element, make] of every chart, to draw it again in another theme or width

// pretty prints a value of a legend.
const pretty = v => v == null ? "–" : Math.abs(v) >= 1000 ? v.toFixed(0) : String(+v.toPrecision(4));

// Operations of spaces other than DARTS take the colours of the series, in the order in which they are met.
const others = [];
function opColor(op) {
  if (!color(op) && !others.includes(op)) others.push(op);
  return color(op) ? op : "c" + others.indexOf(op) % 8;
}
function seriesColor(s, i) { return color(s.op ? opColor(s.op) : s.color || "c" + i % 8); }

// dashed are the operations of 5x5 convolutions and average pooling: a second sign beside the colour.
const dashed = s => /5x5|avg/.test(s.op || "") || / the paper$|^training$/.test(s.label);

function axes(c, small) {
  const base = { stroke: color("quiet"), grid: { stroke: color("grid"), width: 1 }, ticks: { stroke: color("grid"), size: small ? 2 : 6 },
    font: (small ? "10px" : "12px") + " system-ui, sans-serif" };
  const x = { ...base, label: small ? undefined : c.xlabel, labelSize: 18, labelFont: "12px system-ui, sans-serif", size: small ? 18 : 32 };
  const whole = c.x.every(v => Number.isInteger(v));
  if (c.xnames) {
    x.splits = () => c.x;
    x.values = (u, at) => at.map(i => c.xnames[i] || "");
    x.rotate = c.xnames.length > 4 ? -35 : 0;
    x.size = c.xnames.length > 4 ? 76 : 32;
  } else if (whole) {
    x.incrs = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000];
  }
  if (small) x.space = 40;
  const y = { ...base, size: small ? 28 : 56, space: small ? 22 : 34, label: small ? undefined : c.ylabel, labelSize: 18,
    labelFont: "12px system-ui, sans-serif", values: (u, at) => at.map(v => v == null ? "" : pretty(v)) };
  return [x, y];
}

// stacked adds every series to those below it, so that uPlot can fill the bands between them. A line over them stays.
function stacked(list) {
  const sum = new Array(list[0].values.length).fill(0);
  return list.map(s => s.over ? s.values : s.values.map((v, i) => sum[i] += v || 0));
}

// marks are vertical lines with a word.
function marksPlugin(marks) {
  return { hooks: { draw: u => {
    marks.forEach((m, i) => {
      const x = Math.round(u.valToPos(m.x, "x", true));
      if (x < u.bbox.left || x > u.bbox.left + u.bbox.width) return;
      const k = u.ctx;
      k.save();
      k.strokeStyle = k.fillStyle = color("quiet");
      k.setLineDash([4, 4]);
      k.beginPath(); k.moveTo(x, u.bbox.top); k.lineTo(x, u.bbox.top + u.bbox.height); k.stroke();
      k.font = 11 * devicePixelRatio + "px system-ui, sans-serif";
      const gap = 4 * devicePixelRatio, fits = x + gap + k.measureText(m.label).width <= u.bbox.left + u.bbox.width;
      k.textAlign = fits ? "left" : "right";
      k.fillText(m.label, fits ? x + gap : x - gap, u.bbox.top + (12 + 13 * i) * devicePixelRatio); // below that of the mark before
      k.restore();
    });
  } } };
}

// whiskers are the ranges of points: uPlot has no error bars of its own.
function whiskersPlugin(c) {
  return { hooks: { draw: u => {
    const k = u.ctx, cap = 5 * devicePixelRatio;
    k.save();
    k.lineWidth = 1.5 * devicePixelRatio;
    c.series.forEach((s, i) => (s.low || []).forEach((low, j) => {
      if (low == null || !u.series[i + 1].show) return;
      const x = u.valToPos(c.x[j] + shift(c, i), "x", true), a = u.valToPos(low, "y", true), b = u.valToPos(s.high[j], "y", true);
      k.strokeStyle = seriesColor(s, i);
      k.beginPath();
      k.moveTo(x, a); k.lineTo(x, b); k.moveTo(x - cap, a); k.lineTo(x + cap, a); k.moveTo(x - cap, b); k.lineTo(x + cap, b);
      k.stroke();
    }));
    k.restore();
  } } };
}

// shift puts the points of several series beside each other.
const shift = (c, i) => c.kind === "scatter" ? 0 : (i - (c.series.length - 1) / 2) * .16;

// pointsPath marks points, shifted: a path for uPlot.
function pointsPath(c, i) {
  return (u, at) => {
    const path = new Path2D(), r = (c.kind === "scatter" && i === 0 ? 1.5 : 4.5) * devicePixelRatio;
    u.data[at].forEach((v, j) => {
      if (v == null) return;
      const x = u.valToPos(c.x[j] + shift(c, i), "x", true), y = u.valToPos(v, "y", true);
      path.moveTo(x + r, y); path.arc(x, y, r, 0, 2 * Math.PI);
    });
    return { fill: path, stroke: path };
  };
}

function yRange(c, shown) {
  const low = [], high = [];
  c.series.forEach((s, i) => { for (const [to, list] of [[low, s.low], [high, s.high], [low, shown[i]], [high, shown[i]]]) to.push(...(list || []).filter(v => v != null)); });
  let a = Math.min(...low), b = Math.max(...high);
  if (c.kind === "stack" || c.kind === "bars" || c.kind === "steps" || c.zero) a = 0;
  if (c.kind === "steps") b *= 1 + .14 * (c.marks || []).length; // room for their words
  const pad = (b - a || Math.abs(b) || 1) * .06;
  return [c.kind === "stack" || c.kind === "bars" || a >= 0 && a - pad < 0 ? Math.min(a, 0) : a - pad, b + (c.kind === "stack" ? 0 : pad)];
}

// apart are charts whose points lie side by side: where nobody points at any, their legend has names alone.
const apart = c => c.kind === "points" || c.kind === "scatter";

// options turns a chart into what uPlot takes.
function options(c, width, height, small) {
  const band = c.kind === "stack" || c.kind === "bars";
  const values = band ? stacked(c.series) : c.series.map(s => s.values);
  const order = c.series.map((s, i) => i);
  if (band) order.sort((i, j) => !c.series[i].over !== !c.series[j].over ? (c.series[i].over ? 1 : -1) : j - i); // the highest sum first, the others over it
  const o = { width, height, legend: { show: !small, live: true, markers: { width: 0, fill: (u, i) => u.series[i].stroke(u, i) } }, cursor: { points: { size: 6 }, drag: { x: !small, y: false }, show: !small },
    scales: { x: { time: false, range: xRange(c) }, y: { range: yRange(c, values) } }, axes: axes(c, small), plugins: [],
    series: [{ label: c.xlabel, value: (u, v) => v == null ? "–" : c.xnames ? c.xnames[v] : pretty(v) }] };
  for (const i of order) {
    const s = c.series[i], stroke = seriesColor(s, i);
    const one = { label: s.label, stroke, width: small ? 1.25 : 2, value: (u, v, si, idx) => idx == null ? apart(c) ? "" : "–" : pretty(s.values[idx]),
      points: { show: c.kind === "lines" && c.x.length < 3, size: 7, fill: stroke }, spanGaps: false };
    if (c.kind === "lines" && dashed(s)) one.dash = [6, 4];
    if (band && !s.over) Object.assign(one, { fill: stroke, width: 0, points: { show: false } });
    if (c.kind === "bars") one.paths = uPlot.paths.bars({ size: [.7, 40] });
    if (c.kind === "steps") Object.assign(one, { paths: uPlot.paths.stepped({ align: 1 }), fill: stroke + "40", width: 1.5, points: { show: false } });
    if (apart(c)) Object.assign(one, { paths: pointsPath(c, i), fill: stroke, points: { show: false } });
    o.series.push(one);
  }
  o.hooks = { setCursor: [u => { if (u.cursor.idx == null && u.data) atEnd(u); }] };
  if (c.marks) o.plugins.push(marksPlugin(c.marks));
  if (c.kind === "points") o.plugins.push(whiskersPlugin(c));
  return [o, [c.x, ...order.map(i => values[i])]];
}

function xRange(c) {
  let a = c.x[0], b = c.x[c.x.length - 1];
  if (c.kind === "steps" && c.marks) [a, b] = [Math.min(a, ...c.marks.map(m => m.x)), Math.max(b, ...c.marks.map(m => m.x))];
  const pad = c.kind === "scatter" ? (b - a) * .03 : c.kind === "points" || c.kind === "bars" ? .6 : a === b ? .5 : 0;
  return [a - pad, b + pad];
}

// atEnd lets the legend show the last values where nobody points at any.
function atEnd(u) {
  let idx = u.apart ? null : u.data[0].length - 1;
  if (u.peak) u.data[1].forEach((v, i) => { if (v > u.data[1][idx]) idx = i; });
  u.setLegend({ idx }, false);
  if (u.apart) u.root.querySelector(".u-legend .u-value").firstChild.nodeValue = "";
}

// draw makes the chart of an element, now and after every change of theme or width.
function draw(element, c, small) {
  const make = () => {
    if (element.plot) element.plot.destroy();
    const width = Math.max(120, element.clientWidth);
    const [o, data] = options(c, width, small ? 84 : Math.min(300, Math.max(200, width * .5)), small);
    element.plot = new uPlot(o, data, element);
    element.plot.peak = c.peak; // of the highest sum, which comes first
    element.plot.apart = apart(c);
    if (!small) atEnd(element.plot);
    for (const th of element.querySelectorAll(".u-legend .u-series:not(:first-child) th")) {
      th.tabIndex = 0;
      th.setAttribute("role", "button");
      th.setAttribute("aria-label", "show or hide " + th.textContent);
      th.addEventListener("keydown", e => { if (e.key === "Enter" || e.key === " ") { e.preventDefault(); th.click(); } });
    }
  };
  make();
  drawn.push([element, make]);
  if (!small) keyboard(element, c);
}

// keyboard moves the cursor with the arrow keys and says what is there.
function keyboard(element, c) {
  let at = -1;
  element.addEventListener("keydown", e => {
    if (e.target !== element) return;
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -c.x.length, End: c.x.length }[e.key];
    if (!step) return;
    e.preventDefault();
    at = Math.max(0, Math.min(c.x.length - 1, at + step));
    const u = element.plot;
    u.setCursor({ left: u.valToPos(c.x[at], "x"), top: u.over.clientHeight / 2 });
    const name = c.xnames ? c.xnames[at] : c.xlabel + " " + pretty(c.x[at]);
    document.getElementById("live").textContent = name + ": " + c.series.map(s => s.label + " " + pretty(s.values[at])).join(", ");
  });
}

// redraw is for another theme or width.
const redraw = () => drawn.forEach(([element, make]) => element.isConnected && make());
