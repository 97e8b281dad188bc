"""`python -m floe_orchestration`: the command `floe`, whoever owns the script of that name."""

from floe_orchestration.command import main

main()
