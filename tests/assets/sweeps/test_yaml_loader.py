import os

import pytest

from assets.sweeps.yaml_loader import MAX_BYTES, SweepError, parse, read_document


def problems(text):
    with pytest.raises(SweepError) as caught:
        parse(text, "f.yaml")
    assert all("\n" not in line and line.startswith("f.yaml:") for line in caught.value.problems)
    return caught.value.problems


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-6", 1e-6),
        ("1e-06", 1e-6),
        ("1E3", 1000.0),
        ("-3", -3),
        (".5", 0.5),
        ("+1.", 1.0),
        ("0", 0),
        ("true", True),
        ("False", False),
        ("~", None),
        ("'no'", "no"),
        ("'010'", "010"),
        ("2020-01-01", "2020-01-01"),
        ("1:30", "1:30"),
        ("=", "="),
        ("noon", "noon"),
        ("[1, 2.0, x]", [1, 2.0, "x"]),
    ],
)
def test_plain_values_read_as_yaml_1_2(text, value):
    read = parse(f"a: {text}").data["a"]
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a: 1\nb: no\n", 2, "write true, false or 'no'"),
        ("a:\n  b: On\n", 2, "truth value"),
        ("a: 1\nb: 010\n", 2, "write 10"),
        ("a: 1_000\n", 1, "write 1000"),
        ("a: 0x1f\n", 1, "plain decimal"),
        ("a: 0o17\n", 1, "plain decimal"),
        ("a: 1\nb: [1, .nan]\n", 2, "finite"),
        ("a: .inf\n", 1, "finite"),
        ("a: -.INF\n", 1, "finite"),
        ("a: 1e999\n", 1, "finite"),
        (f"a: {'9' * 5000}\n", 1, "plain decimal"),
        ("a:\n\tb: 1\n", 2, "spaces, not tabs"),
        ("a: !!python/object/apply:os.system [ls]\n", 1, "tag"),
        ("a: !thing 3\n", 1, "tag"),
        ("a: 1\n<<: {b: 1}\n", 2, "plain name"),
        ("? [1, 2]\n: 3\n", 1, "plain name"),
        ("%YAML 1.1\n---\na: no\n", 1, "directive"),
        ("a: 1\n---\nb: 2\n", 2, "document"),
        ("a: [1, 2\n", 2, "not YAML"),
        ("- 1\n- 2\n", 1, "expected a mapping"),
        ("", 1, "expected a mapping"),
        ("# nothing\n", 1, "expected a mapping"),
        ("just text\n", 1, "expected a mapping"),
        ('a: "\\ud800"\n', 1, "surrogate"),
        ('a: "\\UFFFFFFFF"\n', 1, "not YAML"),
        ("a: &x [*x]\n", 1, "nested"),
        ("a: " + "[" * 500 + "]" * 500 + "\n", 1, "nested"),
    ],
)
def test_what_is_refused_names_its_line(text, line, says):
    lines = problems(text)
    assert len(lines) == 1
    assert lines[0].startswith(f"f.yaml:{line}: ")
    assert says in lines[0]


def test_all_offenders_are_listed_at_once():
    assert len(problems("a: no\nb: 010\nc: .nan\nd: 5\n")) == 3


def test_alias_bomb_is_refused_in_no_time():
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert "aliases" in problems("\n".join(lines))[0]


def test_aliases_of_ordinary_size_are_plain_copies():
    assert parse("a: &x {b: 1}\nc: *x\n").data == {"a": {"b": 1}, "c": {"b": 1}}


def test_duplicates_are_noted_with_both_lines():
    document = parse("a:\n  b: 1\n  c: 2\n  b: 1\nd: 3\nd: 4\n")
    duplicates = [(d.place, d.first, d.second, d.identical) for d in document.duplicates]
    assert duplicates == [(("a", "b"), 2, 4, True), (("d",), 5, 6, False)]


def test_every_key_and_entry_has_its_line():
    document = parse("a:\n  b:\n  - 1\n  - {c: 5,\n     d: 6}\n")
    assert document.line(("a", "b", 0)) == 3
    assert document.line(("a", "b", 1, "d")) == 5
    assert document.line(("a", "b", 1, "d", "absent", 3)) == 5
    assert document.line(("absent",)) == 1


def test_file_that_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "large.yaml"
    with path.open("wb") as file:
        file.truncate(50 * MAX_BYTES)
    with pytest.raises(SweepError, match="50000000 bytes; expected at most"):
        read_document(path)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"a: \x00\n", b"a: \x80\n"])
def test_file_that_is_no_text(tmp_path, content):
    (tmp_path / "x.yaml").write_bytes(content)
    with pytest.raises(SweepError, match=r"x\.yaml:1: "):
        read_document(tmp_path / "x.yaml")


def test_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe.yaml")
    for name in ("absent.yaml", "pipe.yaml", "", "a\0b"):
        with pytest.raises(SweepError, match=r"no such file|cannot be read"):
            read_document(tmp_path / name)


def test_byte_order_mark_and_carriage_returns_are_accepted(tmp_path):
    (tmp_path / "x.yaml").write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    assert read_document(tmp_path / "x.yaml").data == {"a": 1, "b": 2}
