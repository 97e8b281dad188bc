"""Secrets: which names and texts are secret, where their values come from, how they are hidden.

`names` is the one definition of what a name means, `shapes` of what a text looks like,
`references` of how a setting refers to the environment.
"""
