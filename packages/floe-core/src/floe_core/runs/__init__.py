"""What a run is: its request, its parameters, and its events."""
