"""From the text of a sweep file to validated rows."""
