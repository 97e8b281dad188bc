"""The `floe` command line, one module per command."""
