"""Training of torch networks by epochs and phases: `train_epochs`, what a study gives it, and its resumable state."""
