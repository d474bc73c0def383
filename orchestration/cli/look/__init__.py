"""Commands that look at sweeps and results: plan, status, failures, table, diff, compare, show, report."""
