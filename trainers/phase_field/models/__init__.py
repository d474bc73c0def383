"""Networks that continue a curve of scores: the source's sequence generator, and a network of scaled time."""
