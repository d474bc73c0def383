"""Commands on the store: verify, gc, adopt."""
