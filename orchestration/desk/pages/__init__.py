"""The pages of the desk, one a file; their templates lie in `orchestration/desk/templates`."""
