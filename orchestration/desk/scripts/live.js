// What runs now, with its loss curve and a button that stops it; the state is fetched every second.

const HEIGHT = 220, LEFT = 58, RIGHT = 10, TOP = 8, BOTTOM = 24;
const NOW = "#1f77b4", FINISHED = "#8889", GRID = "#8884";

// Curves of finished models by `<study>/<hash>`, drawn behind those of jobs of their study.
const finished = new Map();

function element(name, text) {
  const node = document.createElement(name);
  if (text) node.textContent = text;
  return node;
}

function svg(name, attributes, text) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

// The points [step, loss] of a curve that have a place on a logarithmic axis.
function points(curve) {
  return curve.filter(([, losses]) => losses.loss > 0).map(([step, losses]) => [step, losses.loss]);
}

function lines(job) {
  const behind = [...finished].filter(([name]) => name.startsWith(job.study + "/"))
    .map(([, model]) => ({points: points(model.curve), colour: FINISHED, label: model.key}));
  return [...behind, {points: points(job.curve), colour: NOW, label: "now"}];
}

function legend(lines) {
  const row = element("div");
  for (const line of lines) {
    const dash = element("span", "\u2014 "), label = element("span", line.label + " ");
    dash.style.color = line.colour;
    label.className = "soft";
    row.append(dash, label);
  }
  return row;
}

// The loss on a logarithmic axis against the step.
function chart(lines) {
  const width = document.getElementById("jobs").clientWidth - 34;
  const picture = svg("svg", {viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": "loss by step"});
  const all = lines.flatMap(line => line.points);
  if (all.length < 2) return picture;
  const last = Math.max(...all.map(point => point[0])), exponents = all.map(point => Math.log10(point[1]));
  let low = Math.min(...exponents), high = Math.max(...exponents);
  if (high - low < 0.1) { low -= 0.05; high += 0.05; }
  const x = step => LEFT + (width - LEFT - RIGHT) * step / last;
  const y = loss => TOP + (HEIGHT - BOTTOM - TOP) * (high - Math.log10(loss)) / (high - low);
  const decades = Array.from({length: Math.floor(high) - Math.ceil(low) + 1}, (_, i) => Math.ceil(low) + i);
  for (const tick of high - low < 1 ? [low, (low + high) / 2, high] : decades) {
    const height = y(10 ** tick);
    picture.append(
      svg("line", {x1: LEFT, x2: width - RIGHT, y1: height, y2: height, stroke: GRID}),
      svg("text", {x: LEFT - 6, y: height + 4, "text-anchor": "end"}, (10 ** tick).toPrecision(2)));
  }
  picture.append(
    svg("text", {x: LEFT, y: HEIGHT - 6}, "step 0"),
    svg("text", {x: width - RIGHT, y: HEIGHT - 6, "text-anchor": "end"}, `step ${last}`),
    svg("text", {x: 0, y: 12}, "loss"));
  for (const line of lines) {
    if (!line.points.length) continue;
    const path = line.points.map(([step, loss]) => `${x(step).toFixed(1)},${y(loss).toFixed(1)}`).join(" ");
    const curve = svg("polyline", {points: path, fill: "none", stroke: line.colour, "stroke-width": 1.8});
    curve.append(svg("title", {}, line.label));
    picture.append(curve);
  }
  return picture;
}

function stop(job, button) {
  button.disabled = true;
  const body = JSON.stringify({study: job.study, hash: job.hash});
  fetch("/live/stop", {method: "POST", headers: {"Content-Type": "application/json"}, body});
}

function card(job) {
  const box = element("div"), head = element("div");
  box.className = "job";
  head.className = "head";
  const last = job.curve.length ? job.curve[job.curve.length - 1][1].loss : null;
  const progress = job.total_steps ? `step ${job.step} of ${job.total_steps}` : "starting";
  head.append(
    element("b", `${job.study} ${job.layer}`),
    element("code", job.key),
    element("span", progress + (last === null ? "" : `, loss ${last.toPrecision(4)}`)));
  box.append(head);
  if (job.layer === "model") {
    const button = element("button", job.stopping ? "stopping" : "stop, keep the best");
    button.disabled = job.stopping;
    button.onclick = () => stop(job, button);
    head.append(button);
    box.append(chart(lines(job)), legend(lines(job)));
  }
  return box;
}

async function show() {
  try {
    const jobs = await (await fetch("/live/state")).json();
    document.getElementById("none").hidden = jobs.length > 0;
    document.getElementById("jobs").replaceChildren(...jobs.map(card));
  } catch {
    document.getElementById("none").hidden = false;
  }
  setTimeout(show, 1000);
}

async function add(name) {
  const answer = await fetch("/live/state?of=" + encodeURIComponent(name));
  if (answer.ok) finished.set(name, await answer.json());
}

const others = document.getElementById("others");
others.onchange = () => others.value && add(others.value);
document.getElementById("clear").onclick = () => { finished.clear(); others.value = ""; };
new URLSearchParams(location.search).getAll("beside").forEach(add);
show();
