"""`python -m floe_core.cli`: the `floe` command, where its script is not on the path."""

from floe_core.cli.main import main

main()
