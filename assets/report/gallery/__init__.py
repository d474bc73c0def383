"""Every figure of chosen models or datasets, on one page and as files."""
