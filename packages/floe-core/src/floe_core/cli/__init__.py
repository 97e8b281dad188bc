"""The `floe` command line, one file a command."""
