"""Secrets: which names and texts are secret, where their values come from, how they are hidden.

`recognition` is the one definition of what a name means and of what a text looks like,
`references` of how a setting refers to the environment.
"""
