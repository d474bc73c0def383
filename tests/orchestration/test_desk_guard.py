"""Every refusal of the guard and every way that stays open, over HTTP, with the Dagster UI behind it."""

import json

import pytest
from typer.testing import CliRunner
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from orchestration.cli import app, ui
from orchestration.desk.application import application
from orchestration.launch.home import prepare
from tests.orchestration.serving import Served, served

pytestmark = pytest.mark.ui

VERSION = {"query": "{ version }"}
MUTATION = "mutation { reloadWorkspace { __typename } }"
SUBSCRIPTION = "subscription { locationStateChangeEvents { event { message eventType } } }"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory):
    home = tmp_path_factory.mktemp("desk") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ORRERY_HOME", str(home))
        patch.setenv("DAGSTER_HOME", str(home / "dagster"))
        prepare()
        with application() as app, served(app) as running:
            yield running


@pytest.mark.parametrize("path", ["/", "/live", "/assets", "/overview", "/runs", "/server_info", "/locations"])
def test_pages_of_the_desk_and_of_dagster_answer(desk: Served, path: str) -> None:
    assert desk.ask(path).status == 200
    assert desk.ask(path, "HEAD").status in (200, 405)


def test_every_answer_forbids_framing_and_guessing(desk: Served) -> None:
    for path in ("/", "/assets", "/nothing/of/this/name"):
        headers = desk.ask(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] in ("DENY", "SAMEORIGIN")
        assert "access-control-allow-origin" not in headers


def test_a_query_and_a_mutation_of_the_ui_answer(desk: Served) -> None:
    browser = {"origin": f"http://{desk.host}", "sec_fetch_site": "same-origin"}
    assert desk.ask("/graphql?op=X", "POST", VERSION, **browser).json["data"]["version"]
    assert desk.ask("/graphql", "POST", VERSION, content_type="application/json; charset=utf-8").status == 200
    mutated = desk.ask("/graphql", "POST", {"query": MUTATION}, **browser).json
    assert mutated["data"]["reloadWorkspace"]["__typename"] == "Workspace"


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "LOCALHOST", "[::1]"])
def test_names_of_the_loopback_interface_are_hosts(desk: Served, name: str) -> None:
    assert desk.ask("/server_info", host=f"{name}:{desk.port}").status == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:3000", "", "[::1", "127.0.0.2", "0.0.0.0"],
)
def test_another_host_is_refused(desk: Served, host: str) -> None:
    for path in ("/", "/graphql", "/live/state", "/assets"):
        answer = desk.ask(path, host=host)
        assert answer.status in (400, 403), "400 is the server's own answer to a request without a host"
        assert "version" not in answer.text


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "file://",
        "http://127.0.0.1:1",
        "http://localhost.evil.example",
        "http://127.0.0.1",
    ],
)
def test_another_origin_is_refused(desk: Served, origin: str) -> None:
    for path in ("/graphql", "/live/stop"):
        answer = desk.ask(path, "POST", VERSION, origin=origin)
        assert (answer.status, answer.text.splitlines()) == (
            403,
            [f"refused: given the origin {origin}; expected a page of {desk.host}"],
        )
    assert desk.ask("/server_info", origin=origin).status == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site", "something new"])
def test_what_the_browser_says_comes_from_another_site_is_refused(desk: Served, site: str) -> None:
    assert desk.ask("/graphql", "POST", VERSION, sec_fetch_site=site).status == 403
    assert desk.ask("/live/state", sec_fetch_site=site, sec_fetch_mode="cors").status == 403
    frame = {"sec_fetch_mode": "navigate", "sec_fetch_dest": "iframe"}
    assert desk.ask("/", sec_fetch_site=site, **frame).status == 403


def test_a_link_from_elsewhere_may_be_followed_but_nothing_sent(desk: Served) -> None:
    follow = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}
    assert desk.ask("/", **follow).status == 200
    assert desk.ask("/graphql", "POST", VERSION, **follow).status == 403


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/graphql",
     "text/plain; application/json", "application/jsonp", ""],
)  # fmt: skip
def test_a_mutation_that_is_no_json_is_refused(desk: Served, kind: str) -> None:
    body = json.dumps({"query": MUTATION}).encode()
    answer = desk.ask("/graphql", "POST", body, content_type=kind)
    assert answer.status == 403 and "expected application/json" in answer.text


@pytest.mark.parametrize("path", ["/graphql", "/GraphQL", "/graphql/"])
def test_a_request_in_the_address_is_refused(desk: Served, path: str) -> None:
    address = f"{path}?query=mutation%20%7B%20reloadWorkspace%20%7B%20__typename%20%7D%20%7D"
    for method, body in (("GET", None), ("HEAD", None), ("POST", VERSION)):
        assert desk.ask(address, method, body).status == 403


def test_an_asset_cannot_be_reported_by_an_address(desk: Served) -> None:
    path = "/report_asset_materialization/two_body/model?partition=x"
    assert desk.ask(path, "POST", {}).status == 403
    assert desk.ask("/report_asset_materialization/two_body/model", "POST", b"", content_type="").status == 403


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(desk: Served, method: str) -> None:
    assert desk.ask("/graphql", method, {}).status == 403


def test_subscriptions_of_the_ui_work(desk: Served) -> None:
    address = f"ws://{desk.host}/graphql"
    with connect(address, subprotocols=["graphql-ws"], origin=f"http://{desk.host}", proxy=None) as socket:
        socket.send(json.dumps({"type": "connection_init", "payload": {}}))
        assert json.loads(socket.recv(20))["type"] == "connection_ack"
        socket.send(json.dumps({"type": "start", "id": "1", "payload": {"query": SUBSCRIPTION}}))
        socket.send(json.dumps({"type": "start", "id": "2", "payload": {"query": "subscription { nothing }"}}))
        assert json.loads(socket.recv(20)) | {"payload": None} == {"type": "error", "id": "2", "payload": None}


@pytest.mark.parametrize(
    "headers",
    [{"origin": "http://evil.example"}, {"origin": "null"}, {"host": "evil.example"}, {"sec-fetch-site": "cross-site"}],
)
def test_a_foreign_web_socket_is_refused(desk: Served, headers: dict[str, str]) -> None:
    origin = headers.pop("origin", None)
    uri = f"ws://{headers.pop('host', desk.host)}/graphql"
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(uri, origin=origin, additional_headers=headers, address=("127.0.0.1", desk.port), proxy=None),
    ):
        pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "*", ""])
def test_every_address_at_once_is_refused(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ui, "_serve", lambda *given: "nothing is served in this test")
    done = CliRunner().invoke(app, ["ui", "--host", host])
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1 and "expected the one address" in done.stderr
