"""One table, three renderers: HTML, Markdown and the terminal show the same rows, in the same order."""

import io
import re
from html.parser import HTMLParser

from rich.console import Console

from assets.report import sweep_report
from assets.report.render import environment
from assets.report.tables.ranking import leaderboards, overall_table
from assets.report.tables.table import MOST_ROWS, table_of
from assets.statistics.leaderboard import rank
from orchestration.cli.tables import print_leaderboard, print_table

pytest_plugins = ["tests.assets.toy_sweep"]

AWKWARD = table_of("T <b>", ["a|b", "n", "key"], [["x|y <i>", 0.125, "k1"], ["[red]z", None, "k2"]], "N & M", ["key"])


class Cells(HTMLParser):
    """The cells of every table of a page, in rows."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.inside = [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.inside = True
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][-1] += data


def of_html(page):
    return Cells(page).rows


def of_markdown(text):
    unescape = {"\\|": "|", "&lt;": "<", "&gt;": ">", "&amp;": "&"}
    lines = [line for line in text.splitlines() if line.startswith("|") and not re.fullmatch(r"[|:-]+", line)]
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [[re.sub("|".join(map(re.escape, unescape)), lambda m: unescape[m[0]], c) for c in row] for row in rows]


def of_terminal(draw):
    console = Console(file=(out := io.StringIO()), width=300)
    draw(console)
    lines = [line for line in out.getvalue().splitlines() if line.startswith(("│", "┃"))]
    return [[cell.strip() for cell in re.split("[│┃]", line)[1:-1]] for line in lines]


def test_cells_are_the_same_text_everywhere_and_nothing_is_read_as_markup():
    expected = [["a|b", "n", "key"], ["x|y <i>", "0.125", "k1"], ["[red]z", "", "k2"]]
    html = str(environment().get_template("macros.html").module.table(AWKWARD))
    assert "<i>" not in html and of_html(html) == expected
    assert of_markdown(AWKWARD.markdown) == expected
    assert of_terminal(lambda console: print_table(console, AWKWARD)) == [row[:2] for row in expected]


def test_a_column_of_numbers_is_flush_right_everywhere():
    assert AWKWARD.numeric == (False, True, False)
    assert '<th class="number">n</th>' in environment().get_template("macros.html").module.table(AWKWARD)
    assert "|---|---:|---|" in AWKWARD.markdown
    assert table_of("", ["a", "b"], [["1.2 [1, 2e-07]", "1 of 3"]]).numeric == (True, False)
    assert table_of("", ["a"], [["12 %"]]).numeric == (True,)
    assert table_of("", ["a", "b"], []).numeric == (False, False)
    assert table_of("", ["a", "b"], [["1", "-"], ["-", ""]]).numeric == (True, False), "a dash is no text"


def test_a_leaderboard_has_the_same_rows_and_caveats_on_a_page_in_markdown_and_on_the_terminal(toy_experiment):
    report = sweep_report.write(toy_experiment)
    page, text = of_html(report.path.read_text()), of_markdown(report.markdown.read_text())
    terminal = of_terminal(lambda console: print_leaderboard(console, toy_experiment, rank(toy_experiment)))
    for table in (
        *leaderboards(toy_experiment, rank(toy_experiment)),
        overall_table(toy_experiment, rank(toy_experiment)),
    ):
        rows = [list(row) for row in (table.header, *table.rows)]
        narrow = [list(row) for row in (table.narrow().header, *table.narrow().rows)]
        for place, expected in ((page, rows), (text, rows), (terminal, narrow)):
            start = place.index(expected[1])
            assert place[start - 1 : start - 1 + len(expected)] == expected
        caveats = table.header.index("caveats"), table.narrow().header.index("caveats")
        legend = dict(line.split(": ") for line in table.narrow().note.splitlines()[0].split("; "))
        assert "one seed" in legend.values()
        for row, short in zip(rows[1:], narrow[1:], strict=True):
            assert row[caveats[0]] == "; ".join(legend[letter] for letter in short[caveats[1]].split())


def test_the_terminal_explains_the_letters_of_caveats():
    table = table_of("T", ["n", "caveats"], [["1", "one seed; no validation"], ["2", "no validation"]], "Note.")
    console = Console(file=(out := io.StringIO()), width=100)
    print_table(console, table)
    assert [row[1] for row in of_terminal(lambda console: print_table(console, table))[1:]] == ["a b", "b"]
    below = " ".join(out.getvalue().split("┘")[1].split())  # wrapped at the width of the table
    assert below == "a: one seed; b: no validation Note."


def test_a_long_table_is_cut_and_says_so():
    table = table_of("T", ["n"], [[n] for n in range(MOST_ROWS + 7)], "Note.")
    assert len(table.rows) == MOST_ROWS and table.note == "7 more rows are in the table of the store. Note."
