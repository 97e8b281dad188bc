"""What a plugin builds on, beside the interface."""
