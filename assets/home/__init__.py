"""What else lies in the home: free space, scratch, what runs now, checkpoints; and the hardware."""
