"""What flows, tasks, tags and variables are called."""
