"""`/live`: the loss curves of what runs now, beside those of chosen finished models, with a button that stops a job."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from assets.home.running import Attempt, running
from assets.store.manifest import finite
from assets.store.store import Store
from orchestration.desk.page import render, template

POINTS = 300
"""Points of the curve of a finished model."""

PAGE = template(
    "live",
    """{% extends "shell" %}
{% block title %}Live{% endblock %}
{% block content %}
<style>.card { border: 1px solid var(--line); border-radius: 6px; padding: .6rem 1rem; margin: 1rem 0 }
 .card svg { width: 100%; height: 220px; display: block } .head { display: flex; gap: 1rem; align-items: baseline }
 .head button { margin-left: auto } svg text { fill: currentColor; font-size: 11px; opacity: .75 }</style>
<h1>Live</h1>
<p id="none" class="soft">Nothing runs now. This page looks again every second.</p>
<div id="jobs"></div>
<p><label>Beside a finished model:
<select id="others"><option value="">choose</option>
{% for name, key in finished %}<option value="{{ name }}">{{ key }}</option>{% endfor %}
</select></label> <button id="clear">none</button></p>
{% endblock %}
{% block script %}<script nonce="{{ nonce }}">
const H = 220, LEFT = 58, BOTTOM = 24, NOW = "#1f77b4", THEN = "#8889", beside = new Map();
const el = (name, text) => { const e = document.createElement(name); if (text) e.textContent = text; return e; };
const svg = (name, fields, text) => {
  const e = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(fields)) e.setAttribute(key, value);
  if (text !== undefined) e.textContent = text;
  return e;
};
const points = curve => curve.filter(([, losses]) => losses.loss > 0).map(([step, losses]) => [step, losses.loss]);
const curves = job => [...[...beside].filter(([name]) => name.startsWith(job.study + "/"))
  .map(([, line]) => ({curve: points(line.curve), colour: THEN, label: line.key})),
  {curve: points(job.curve), colour: NOW, label: "now"}];
function legend(lines) {
  const row = el("div");
  for (const line of lines) {
    const mark = el("span", "\u2014 "), name = el("span", line.label + " ");
    mark.style.color = line.colour; name.className = "soft"; row.append(mark, name);
  }
  return row;
}
function chart(lines) {
  const W = document.getElementById("jobs").clientWidth - 34;
  const all = lines.flatMap(line => line.curve);
  const picture = svg("svg", {viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": "loss by step"});
  if (all.length < 2) return picture;
  const right = Math.max(...all.map(p => p[0])), logs = all.map(p => Math.log10(p[1]));
  let low = Math.min(...logs), high = Math.max(...logs);
  if (high - low < 0.1) { low -= 0.05; high += 0.05; }
  const x = step => LEFT + (W - LEFT - 10) * step / right;
  const y = loss => 8 + (H - BOTTOM - 8) * (high - Math.log10(loss)) / (high - low);
  const ticks = high - low < 1 ? [low, (low + high) / 2, high] :
    Array.from({length: Math.floor(high) - Math.ceil(low) + 1}, (_, i) => Math.ceil(low) + i);
  for (const tick of ticks) {
    const at = y(10 ** tick);
    picture.append(svg("line", {x1: LEFT, x2: W - 10, y1: at, y2: at, stroke: "#8884"}),
      svg("text", {x: LEFT - 6, y: at + 4, "text-anchor": "end"}, (10 ** tick).toPrecision(2)));
  }
  picture.append(svg("text", {x: LEFT, y: H - 6}, "step 0"),
    svg("text", {x: W - 10, y: H - 6, "text-anchor": "end"}, `step ${right}`), svg("text", {x: 0, y: 12}, "loss"));
  for (const line of lines) {
    if (!line.curve.length) continue;
    const path = line.curve.map(p => `${x(p[0]).toFixed(1)},${y(p[1]).toFixed(1)}`).join(" ");
    const drawn = svg("polyline", {points: path, fill: "none", stroke: line.colour, "stroke-width": 1.8});
    drawn.append(svg("title", {}, line.label));
    picture.append(drawn);
  }
  return picture;
}
function card(job) {
  const box = el("div"), head = el("div"), button = el("button", job.stopping ? "stopping" : "stop, keep the best");
  const last = job.curve.length ? job.curve[job.curve.length - 1][1].loss : null;
  box.className = "card"; head.className = "head"; button.disabled = job.stopping;
  button.onclick = () => { button.disabled = true; fetch("/live/stop", {method: "POST",
    headers: {"Content-Type": "application/json"}, body: JSON.stringify({study: job.study, hash: job.hash})}); };
  const far = job.total_steps ? `step ${job.step} of ${job.total_steps}` : "starting";
  head.append(el("b", `${job.study} ${job.layer}`), el("code", job.key),
    el("span", far + (last === null ? "" : `, loss ${last.toPrecision(4)}`)));
  if (job.layer === "model") head.append(button);
  box.append(head);
  if (job.layer === "model") box.append(chart(curves(job)), legend(curves(job)));
  return box;
}
async function look() {
  try {
    const jobs = await (await fetch("/live/state")).json();
    document.getElementById("none").hidden = jobs.length > 0;
    document.getElementById("jobs").replaceChildren(...jobs.map(card));
  } catch { document.getElementById("none").hidden = false; }
  setTimeout(look, 1000);
}
async function overlay(name) {
  const answer = await fetch("/live/state?of=" + encodeURIComponent(name));
  if (answer.ok) beside.set(name, await answer.json());
}
document.getElementById("others").onchange = event => event.target.value && overlay(event.target.value);
new URLSearchParams(location.search).getAll("beside").forEach(overlay);
document.getElementById("clear").onclick = () => { beside.clear(); document.getElementById("others").value = ""; };
look();
</script>{% endblock %}""",
)


def live_page(request: Request) -> Response:
    """Show what runs now, with `?beside=<study>/<hash>` beside finished models; the page asks for the curves itself."""
    return render(PAGE, finished=_finished(request, Store()))


def live_state(request: Request) -> Response:
    """Return the running jobs, or with `?of=<study>/<hash>` the curve of a finished model, as JSON."""
    name = request.query_params.get("of")
    found = _curve(name, Store()) if name else list(map(_job, running()))
    return JSONResponse(finite(found), headers={"Cache-Control": "no-store"})


async def stop(request: Request) -> Response:
    """Ask the job that the body names, {study, hash}, to stop and keep its best."""
    asked = await request.json()
    study, hash = (str(asked.get(name, "")) if isinstance(asked, dict) else "" for name in ("study", "hash"))
    trainings = [one for one in running() if (one.study, one.layer, one.hash) == (study, "model", hash)]
    for training in trainings:
        training.ask_to_stop()
    return JSONResponse({"stopping": bool(trainings)}, 202 if trainings else 404)


def _job(attempt: Attempt) -> dict[str, Any]:
    """Return what the page shows of an attempt."""
    progress = attempt.progress or {"step": 0, "total_steps": 0}
    return {
        "study": attempt.study,
        "layer": attempt.layer,
        "hash": attempt.hash,
        "key": attempt.key,
        "step": progress["step"],
        "total_steps": progress["total_steps"],
        "curve": attempt.curve,
        "stopping": attempt.stopping,
    }


def _curve(name: str, store: Store) -> dict[str, Any]:
    study, _, hash = name.partition("/")
    artifact = store.open(study, "model", hash)
    history = artifact.table("history")
    thinned = history.iloc[:: -max(1, len(history) // POINTS)].sort_values("step")
    curve = [(step, {"loss": loss}) for step, loss in zip(thinned["step"], thinned["loss"], strict=True)]
    return {"key": artifact.manifest["key"], "curve": curve}


def _finished(request: Request, store: Store) -> list[tuple[str, str]]:
    """Return name and key of every model of the sweeps that is stored and ok."""
    items = {
        row.configuration.item for sweep in request.app.state.watch.catalogue().sweeps.values() for row in sweep.rows
    }
    ready = [item for item in items if (store.manifest(*item.address) or {}).get("status") == "ok"]
    return sorted((f"{item.study}/{item.hash}", f"{item.study} {item.key}") for item in ready)
