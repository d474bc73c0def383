"""Tables of an evaluation that look inside a model: its network along all orbits, and how linear it is."""
