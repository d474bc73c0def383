"""What a configuration, an artifact and a piece of code are called, and how they are hashed."""
