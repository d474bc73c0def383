"""What a launch has around it: the home, signals, the event log, a process of its own."""
