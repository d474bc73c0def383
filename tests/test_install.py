"""What `make` installs: which build of PyTorch, from where, and what it says of it."""

import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

import install
from tests.documents import ROOT

CPU_WHEEL = ["--no-deps", "--index-url", install.CPU_INDEX]
ALL = ["-c", "constraints.txt", "-e", ".[dev]"]


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A Linux machine without a GPU and without settings of pip, on which PyTorch's index answers."""
    monkeypatch.setattr(install.platform, "system", lambda: "Linux")
    monkeypatch.setattr(install, "sources", list)
    monkeypatch.setattr(install, "has_gpu", lambda: False)
    monkeypatch.setattr(install, "answers", lambda url: url.startswith(install.CPU_INDEX))
    return monkeypatch


def test_without_a_gpu_the_cpu_build_comes_from_the_index_of_pytorch(bare: pytest.MonkeyPatch) -> None:
    choice = install.choose()
    assert choice.index == install.CPU_INDEX and choice.size == install.CPU
    assert "CPU build" in choice.build and "no NVIDIA GPU" in choice.why


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("has_gpu", lambda: True, "NVIDIA GPU"),
        ("answers", lambda url: False, "does not answer"),
        ("sources", lambda: ["extra-index-url"], "extra-index-url"),
    ],
)
def test_with_a_gpu_or_no_answer_or_settings_of_pip_it_is_what_pip_finds(bare, name, value, why: str) -> None:
    bare.setattr(install, name, value)
    choice = install.choose()
    assert choice.index == "" and why in choice.why and install.CUDA in choice.size


def test_on_another_system_it_is_what_pip_finds(bare: pytest.MonkeyPatch) -> None:
    bare.setattr(install.platform, "system", lambda: "Darwin")
    assert install.choose().index == "" and install.choose().size == install.CPU


def test_the_settings_of_pip_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    assert settings_of_pip() == []
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.setenv(name, "https://packages.example/simple")
    assert settings_of_pip() == ["extra-index-url", "find-links", "index-url"]


def settings_of_pip() -> list[str]:
    """Ask in a process of its own, of a Python that has pip."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(install.sys, "executable", sys.executable if has_pip(sys.executable) else sys._base_executable)
        return install.sources()


def has_pip(python: str) -> bool:
    return not subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode


@pytest.fixture
def index() -> Iterator[str]:
    """The address of a server on this machine that knows one page."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(200 if self.path == "/torch/" else 404)
            self.end_headers()

        def log_message(self, *_) -> None: ...

    with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_an_index_answers_or_does_not(index: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    assert install.answers(f"{index}/torch/")
    assert not install.answers(f"{index}/other/")
    assert not install.answers("http://127.0.0.1:9/torch/")


@pytest.fixture
def commands(bare: pytest.MonkeyPatch, tmp_path) -> list[list[str]]:
    """What pip is asked for by an installation into an empty place; its exit codes are what `codes` says."""
    commands: list[list[str]] = []

    def pip(arguments: list[str], output) -> int:
        commands.append(arguments)
        output.write("no such package\n")
        return 0

    bare.setattr(install, "pip", pip)
    bare.setattr(install.sys, "prefix", str(tmp_path))
    return commands


def test_torch_comes_alone_from_its_index_and_all_else_from_pypi(commands, capsys: pytest.CaptureFixture) -> None:
    assert install.main() == 0
    assert commands == [[*CPU_WHEEL, install.pinned("torch")], ALL]
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and "GB" in lines[0] and "minutes" in lines[0] and lines[1] == "orrery: installed"


def test_a_failure_shows_the_end_of_the_log_and_its_place(commands, bare, capsys: pytest.CaptureFixture) -> None:
    succeed = install.pip
    bare.setattr(install, "pip", lambda arguments, output: succeed(arguments, output) or 1)
    assert install.main() == 2 and commands[-1] == ALL
    lines = capsys.readouterr().err.splitlines()
    assert "no such package" in lines and "setup.log" in lines[-1] and "a further make continues" in lines[-1]


def test_it_runs_on_the_standard_library_alone() -> None:
    script = "import sys; before = set(sys.modules); import install; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-S", "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {name.partition(".")[0] for name in done.stdout.split()} - sys.stdlib_module_names == {"install"}
