"""The tables of reports, comparisons and the terminal."""
