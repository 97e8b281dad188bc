"""`python -m floe_core.cli`: the `floe` command, for when its script is not on PATH."""

from floe_core.cli.main import main

main()
