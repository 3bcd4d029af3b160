"""What ships: the bundle, its manifest, its golden vectors, and the check of all three."""
