"""Windows of runs: states and controls from whatever channels a log has, cut into pieces, and what a network sees."""
