"""What knows nothing of floe: errors, processes, imports, memory."""
