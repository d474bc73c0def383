"""The home beside the store: free space, scratch files, running records, checkpoints; and the hardware."""
