"""Commands that look at sweeps and results: settings, plan, status, failures, table, compare, figures, report, ..."""
