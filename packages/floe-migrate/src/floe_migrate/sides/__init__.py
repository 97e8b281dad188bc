"""The two orchestrators of a move."""
