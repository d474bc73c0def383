"""Commands on the files of a project: convert, promote, changes."""
