"""The pages of the desk over a store with good, failed and hostile entries, and every link on a partition page."""

import json
import re
from pathlib import Path

import dagster as dg
import pytest
from starlette.applications import Starlette

from assets import partition_page
from assets.catalogue import read_catalogue
from assets.home.running import RunningRecord
from assets.store.store import Store
from assets.study_assets import asset_key
from orchestration.desk import render
from orchestration.desk.application import assemble
from orchestration.desk.sweep_watch import SweepWatch
from tests.assets.conftest import register_toy
from tests.orchestration.serving import Served, served
from tests.toy_study.items import make

pytestmark = pytest.mark.ui

HOSTILE = "<script>alert(1)</script>"
SWEEP = f"""
study: toy
description: Does it learn? {HOSTILE} & "more"
tests: [test]
vary:
  model.behaviour: [train, diverge, raise]
  model.seed: [0, 1]
exclude: [{{model.behaviour: raise, model.seed: 1}}]
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory):
    """A sweep whose rows were made: two are good, two diverged, one failed."""
    root = tmp_path_factory.mktemp("pages")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ORRERY_HOME", str(root / "home"))
        register_toy(patch)
        (root / "sweeps/toy").mkdir(parents=True)
        (root / "sweeps/toy/trial.yaml").write_text(SWEEP)
        (root / "sweeps/toy/broken.yaml").write_text(f"study: toy\n'{HOSTILE}': 1\n")
        items = read_catalogue(root / "sweeps").sweeps["toy/trial"].items()
        for layer in ("dataset", "segments", "model", "evaluation"):
            make(Store(), *items[layer])
        yield root


@pytest.fixture(scope="module")
def desk(place: Path):
    watch = SweepWatch(lambda: None, place / "sweeps")
    with served(assemble(Starlette(), watch)) as running:
        yield running


@pytest.fixture
def sweep(place: Path):
    return read_catalogue(place / "sweeps").sweeps["toy/trial"]


def model_of(sweep, behaviour: str):
    return next(r.configuration.item for r in sweep.rows if r.axes["model.behaviour"] == behaviour)


def test_the_first_page_counts_rows_and_shows_what_is_broken(desk: Served) -> None:
    text = desk.ask("/").text
    cells = re.findall(r'<td class="number"[^>]*>\s*(?:<a [^>]*>)?(\d+)', text)
    assert cells == ["5", "2", "3", "0"]
    assert "toy/broken.yaml:2" in text and "unknown key" in text


def test_the_first_page_reloads_when_a_sweep_file_is_saved(desk: Served, place: Path) -> None:
    before, text = desk.ask("/sweeps/state").json, desk.ask("/").text
    assert desk.ask("/sweeps/state").json == before and f'"{before["files"]}"' in text
    (place / "sweeps/toy/later.yaml").write_text("study: toy\ntests: [test]\n")
    now = desk.ask("/sweeps/state").json
    assert now["files"] != before["files"] and now["behind"] and "toy/later" in desk.ask("/").text
    (place / "sweeps/toy/later.yaml").unlink()
    assert desk.ask("/sweeps/state").json == before


def test_nothing_of_a_configuration_becomes_html(desk: Served, sweep) -> None:
    for path in (
        "/",
        "/report?model=x",
        f"/report/toy/{HOSTILE}",
        f"/files/{HOSTILE}",
        f"/compare?a={HOSTILE}",
        "/failures/toy/trial",
    ):
        answer = desk.ask(path.replace("<", "%3C").replace(">", "%3E"))
        assert HOSTILE not in answer.text, path
        assert "script-src 'nonce-" in answer.headers["content-security-policy"]
    assert "&lt;script&gt;" in desk.ask("/").text


@pytest.mark.parametrize("page", ["/", "/live"])
def test_the_script_of_a_page_is_a_file_of_the_desk_that_its_policy_names(desk: Served, page: str) -> None:
    answer = desk.ask(page)
    ((nonce, source),) = re.findall(r'<script nonce="([^"]+)" src="([^"]+)"[^>]*></script>', answer.text)
    assert answer.text.count("<script") == 1
    policy = answer.headers["content-security-policy"]
    assert f"script-src 'nonce-{nonce}'" in policy and "'unsafe-inline'" not in policy.split("script-src")[1]
    script = desk.ask(source)
    assert script.status == 200 and script.headers["content-type"].startswith("text/javascript")
    assert script.body == (Path(render.__file__).parent / source.lstrip("/")).read_bytes()


def test_no_other_file_is_handed_out_as_a_script(desk: Served) -> None:
    for name in ("none.js", "..%2frender.py", "%2e%2e%2frender.py", "live.js%00", ""):
        assert desk.ask(f"/scripts/{name}").status == 404, name


def test_an_artifact_shows_its_files_and_tables(desk: Served, sweep) -> None:
    here = "/files/" + "/".join(model_of(sweep, "train").address)
    text = desk.ask(here).text
    links = re.findall(rf'href="({here}/[^"]+)"', text)
    assert len(links) >= 5 and "learning_rate" in text and "The first 12 of them." in text
    for link in links:
        assert desk.ask(link).status == 200


def test_a_file_is_handed_out_bit_for_bit_and_can_do_nothing(desk: Served, sweep) -> None:
    model = model_of(sweep, "train")
    here, stored = "/files/" + "/".join(model.address), Store().path(*model.address)
    for name, kind in {"trained.json": "application/json", "weights.safetensors": "application/octet-stream"}.items():
        answer = desk.ask(f"{here}/{name}")
        assert answer.body == (stored / name).read_bytes()
        assert answer.headers["content-type"] == kind
        assert "sandbox" in answer.headers["content-security-policy"]
    assert "attachment" in desk.ask(f"{here}/weights.safetensors").headers["content-disposition"]
    assert json.loads(desk.ask(f"{here}/manifest.json").body)["hash"] == model.hash


def test_only_what_a_manifest_lists_is_handed_out(desk: Served, sweep, place: Path) -> None:
    model = model_of(sweep, "train")
    here, stored = "/files/" + "/".join(model.address), Store().path(*model.address)
    (stored / "extra.txt").write_text("not listed")
    (place / "secret.txt").write_text("hidden")
    (stored / "link.txt").symlink_to(place / "secret.txt")
    for name in ("extra.txt", "link.txt", "..", "../manifest.json", "%2e%2e%2fmanifest.json", "..%2f..%2fsecret.txt",
                 "..%2f..%2f..%2f..%2f..%2fsecret.txt",
                 "%2Fetc%2Fpasswd", "manifest.json%00", "MANIFEST.JSON", ".manifest.json"):  # fmt: skip
        answer = desk.ask(f"{here}/{name}")
        assert answer.status == 404 and b"hidden" not in answer.body, name
    for address in ("toy/model/..", "toy/../toy", "..%2f..%2fx/model/0123456789ab", "toy/model/0123456789ab",
                    "toy/model/0123456789AB", "toy/mo.del/0123456789ab"):  # fmt: skip
        assert desk.ask(f"/files/{address}").status == 404, address


def test_failures_are_grouped_by_cause_with_what_they_have_in_common(desk: Served, sweep) -> None:
    text = desk.ask("/failures/toy/trial").text
    assert "3 of 5 rows failed" in text and "the teapot is empty" in text
    assert re.findall(r'class="bad">(\w+)</span> in (\w+): (\d)', text) == [
        ("diverged", "train", "2"),
        ("failed", "train", "1"),
    ]
    assert "model.behaviour = <b>diverge</b>" in text and "(2 of 2 rows with it)" in text
    assert "model.seed = <b>0</b>" in text and "(1 of 3 rows with it)" in text
    for link in re.findall(r'href="(/files/[^"]+)"', text):
        assert "traceback" in desk.ask(link).text or "diverged" in desk.ask(link).text


def links_in(metadata) -> list[str]:
    return re.findall(r"\]\((/[^)]+)\)", metadata["links"].value)


def test_every_link_on_a_partition_page_answers(desk: Served, sweep) -> None:
    store, key = Store(), asset_key("toy", "model")
    good, bad = model_of(sweep, "train"), model_of(sweep, "diverge")
    row = next(row for row in sweep.rows if row.configuration.item == good)
    pages = [
        *(partition_page.materialization(key, item, store) for item in (*good.upstream(), good)),
        partition_page.evaluation_materialization(key, good, row.evaluations, store),
        partition_page.failure_observation(key, bad, bad, store, "no"),
    ]
    links = [link for page in pages for link in links_in(page.metadata)]
    board = [f"{page}/toy/trial" for page in ("/report", "/failures")]
    assert {link.split("/")[1].split("?")[0] for link in links} == {"files", "report", "failures", "compare", "figures"}
    for link in (*links, *board):
        answer = desk.ask(link)
        if answer.status == 307:
            link = answer.headers["location"]
            answer = desk.ask(link)
        assert answer.status == 200, link


def test_the_links_of_a_leaderboard_answer(desk: Served, sweep) -> None:
    folder = Store().path(*model_of(sweep, "train").address)
    links = links_in({"links": partition_page.sweep_links("toy/trial", folder)})
    assert [desk.ask(link).status for link in links] == [200] * 5


def test_a_model_in_no_sweep_and_a_sweep_that_is_none_are_one_clear_line(desk: Served) -> None:
    for path in ("/report?model=toy/0123456789ab", "/failures?model=", "/failures/toy/none", "/report/toy/none",
                 "/figures?sweep=toy/none", "/figures?model=toy/x", "/figures?dataset=nothing",
                 "/compare?sweep=toy/none", "/compare?a=toy/x&b=toy/y", "/mlflow"):  # fmt: skip
        answer = desk.ask(path)
        assert answer.status == 404 and "Traceback" not in answer.text
        assert len(re.findall(r"<p>.+</p>", answer.text)) == 1


def test_a_report_is_served_where_it_can_reach_nothing(desk: Served, sweep) -> None:
    answer = desk.ask("/report/toy/trial")
    assert answer.status == 200 and "&lt;script&gt;alert(1)" in answer.text and HOSTILE not in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "sandbox" in policy and "connect-src" not in policy
    assert not re.findall(r"(?:src|href)=[\"']?(?:https?:)?//", answer.text), "nothing is loaded from elsewhere"


def rows_of(sweep, behaviour: str):
    return [row.configuration.item for row in sweep.rows if row.axes["model.behaviour"] == behaviour]


def test_two_models_are_compared_side_by_side_and_every_link_answers(desk: Served, sweep) -> None:
    first, second = rows_of(sweep, "train")
    answer = desk.ask(f"/compare?a=toy/{first.key}&b={second.hash}")
    assert answer.status == 200 and "model.seed" in answer.text and first.key in answer.text
    assert (
        "A and B differ in their seed alone" in answer.text and "sandbox" in answer.headers["content-security-policy"]
    )
    links = re.findall(r'href="(/[^"]*)"', answer.text)
    assert len(links) >= 6 and {desk.ask(link).status for link in links} == {200}


def test_a_comparison_says_what_failed(desk: Served, sweep) -> None:
    bad = model_of(sweep, "diverge")
    answer = desk.ask(f"/compare?a=toy/{model_of(sweep, 'train').hash}&b=toy/{bad.hash}")
    assert answer.status == 200 and "B has no trained model: diverged" in answer.text and HOSTILE not in answer.text


def test_a_form_offers_the_models_of_a_sweep_and_takes_any(desk: Served, sweep) -> None:
    text = desk.ask("/compare").text
    assert "/compare?sweep=toy/trial" in text and len(re.findall(r'<input name="[ab]"', text)) == 2
    text = desk.ask("/compare?sweep=toy/trial").text
    offered = re.findall(r'<option value="([^"]+)"( selected)?>([^<]+)', text)
    assert len(offered) == 2 * 5 and sum(bool(selected) for _, selected, _ in offered) == 2
    assert offered[0][2].startswith("behaviour ") and any("(diverged)" in caption for _, _, caption in offered)
    a, b = (next(name for name, selected, _ in part if selected) for part in (offered[:5], offered[5:]))
    assert a != b and desk.ask(f"/compare?a={a}&b={b}").status == 200
    assert "form-action 'self'" in desk.ask("/compare").headers["content-security-policy"]


def test_figures_are_offered_and_drawn_of_what_is_stored(desk: Served, sweep) -> None:
    assert "/figures?sweep=toy/trial" in desk.ask("/figures").text
    offered = re.findall(r'href="(/figures[?]model=[^"]+)"', desk.ask("/figures?sweep=toy/trial").text)
    assert len(offered) == 5
    answer = desk.ask(offered[0])
    assert answer.status == 200 and "sandbox" in answer.headers["content-security-policy"] and "Metrics" in answer.text
    assert {desk.ask(link).status for link in re.findall(r'href="(/[^"]*)"', answer.text)} == {200}
    first, second = rows_of(sweep, "train")
    both = desk.ask(f"/figures?model={first.key}%20{second.hash}&test=test")
    assert both.status == 200 and "All models together" in both.text and f"orrery figures toy/{first.hash}" in both.text
    bad = desk.ask(f"/figures?model=toy/{model_of(sweep, 'diverge').hash}")
    assert bad.status == 200 and "It has no trained model: diverged" in bad.text and HOSTILE not in bad.text


def test_a_report_links_to_its_neighbours_in_rank_only_where_they_answer(desk: Served, place: Path) -> None:
    path = place / "sweeps/toy/heights.yaml"
    path.write_text("study: toy\ntests: [test]\nvary:\n  model.width: [2, 3]\n")
    sweep = read_catalogue(place / "sweeps").sweeps["toy/heights"]
    for layer in ("dataset", "segments", "model", "evaluation"):
        make(Store(), *sweep.items()[layer])
    text = desk.ask("/report/toy/heights").text
    links = [link.replace("&amp;", "&") for link in re.findall(r'href="(/[^"]*)"', text)]
    assert sum("&b=" in link for link in links) == 1 and {desk.ask(link).status for link in links} == {200}
    offered = re.findall(r'href="(/compare[?]a=[^"]+)"', desk.ask("/compare?sweep=toy/heights").text)
    assert [link.replace("&amp;", "&") for link in offered] == [link for link in links if "&b=" in link]
    stored = next(p for p in (Store().root / "toy/report").glob("*/report.html") if "toy/heights" in p.read_text())
    assert not re.findall(r'href="/', stored.read_text()) and "orrery compare toy/" in stored.read_text()
    path.unlink()


def test_compare_offers_the_other_rows(desk: Served, sweep) -> None:
    model = model_of(sweep, "train")
    text = desk.ask(f"/compare?a=toy/{model.hash}").text
    assert text.count("/compare?a=") == 4 and "behaviour diverge" in text


def test_mlflow_is_where_the_environment_says(desk: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORRERY_MLFLOW_ADDRESS", "http://127.0.0.1:5000")
    answer = desk.ask("/mlflow")
    assert (answer.status, answer.headers["location"]) == (307, "http://127.0.0.1:5000")


TRAINING = ("toy", "model", "0123456789ab")


def test_what_runs_is_seen_and_gone_when_it_ends(desk: Served) -> None:
    record = RunningRecord(*TRAINING)
    assert record.take("k", "f") is None
    for step in range(10_000):
        record.progress(0, step, 10_000, {"loss": 1.0 / (step + 1)})
    record.progress(0, 10_000, 10_000, {"loss": float("nan")}, phase_end=True)
    (job,) = desk.ask("/live/state").json
    assert (job["key"], job["step"], job["total_steps"], job["stopping"]) == ("k", 10_000, 10_000, False)
    assert 250 < len(job["curve"]) < 350 and job["curve"][-1] == [10_000, {"loss": None}]
    record.release()
    assert desk.ask("/live/state").json == []
    assert record.take("k", "f") is None
    (job,) = desk.ask("/live/state").json
    assert (job["step"], job["curve"]) == (0, [])
    record.finish()
    assert desk.ask("/live/state").json == []


def test_the_record_of_a_process_that_was_killed_says_nothing(desk: Served) -> None:
    line = {"event": "begin", "key": "k", "pid": 1, "host": "elsewhere"}
    RunningRecord(*TRAINING).path.parent.mkdir(parents=True, exist_ok=True)
    RunningRecord(*TRAINING).path.write_text(json.dumps(line) + "\n")
    assert desk.ask("/live/state").json == []
    assert desk.ask("/live/stop", "POST", {"study": "toy", "hash": TRAINING[2]}).status == 404
    RunningRecord(*TRAINING).path.unlink()


def test_a_stop_is_asked_once_and_only_of_what_runs(desk: Served) -> None:
    body = {"study": "toy", "hash": TRAINING[2]}
    assert desk.ask("/live/stop", "POST", body).status == 404
    for wrong in ({"study": "../x", "hash": "y"}, {}, [], {"study": "toy", "hash": "../../../tmp/x"}):
        assert desk.ask("/live/stop", "POST", wrong).status == 404
    record = RunningRecord(*TRAINING)
    assert record.take("k", "f") is None
    assert desk.ask("/live/stop", "GET").status == 404
    assert desk.ask("/live/stop", "POST", body, origin="http://evil.example").status == 403
    assert not desk.ask("/live/state").json[0]["stopping"] and not record.asked_to_stop
    assert desk.ask("/live/stop", "POST", body).json == {"stopping": True}
    assert desk.ask("/live/state").json[0]["stopping"] and record.asked_to_stop
    record.finish()
    assert not record.path.exists() and not record.stop_path.exists()


def test_the_curve_of_a_finished_model_can_lie_beside(desk: Served, sweep) -> None:
    model = model_of(sweep, "train")
    curve = desk.ask(f"/live/state?of=toy/{model.hash}").json
    assert curve["key"] == model.key and curve["curve"][-1][0] == 60
    assert f'value="toy/{model.hash}"' in desk.ask("/live").text


def test_definitions_follow_the_sweep_files(place: Path) -> None:
    import threading

    reloaded = threading.Event()
    with SweepWatch(reloaded.set, place / "sweeps") as watch:
        assert not watch.behind
        (place / "sweeps/toy/second.yaml").write_text("study: toy\ntests: [test]\n")
        assert watch.behind and "toy/second" in watch.catalogue().sweeps
        assert reloaded.wait(10)
    (place / "sweeps/toy/second.yaml").unlink()


def test_a_reload_that_fails_says_what_to_press(place: Path) -> None:
    def fail() -> None:
        raise RuntimeError(f"no code {HOSTILE}")

    watch = SweepWatch(fail, place / "sweeps")
    watch._follow(frozenset())
    with served(assemble(Starlette(), watch)) as running:
        text = running.ask("/").text
    assert "RuntimeError: no code &lt;script&gt;" in text and "Reload definitions" in text


def test_links_are_short_enough_to_show_inline(sweep) -> None:
    row = sweep.rows[0]
    assert len(partition_page.links(row.configuration.item, *row.evaluations).value or "") < 500
    assert isinstance(partition_page.links(row.configuration.item), dg.MarkdownMetadataValue)


def test_the_page_of_a_damaged_artifact_names_the_damage(desk: Served, sweep) -> None:
    model = model_of(sweep, "diverge")
    path = Store().path(*model.address) / "trained.json"
    path.write_bytes(path.read_bytes()[:-2] + b" }")
    answer = desk.ask("/files/" + "/".join(model.address))
    assert answer.status == 410 and "trained.json is not what was written" in answer.text
