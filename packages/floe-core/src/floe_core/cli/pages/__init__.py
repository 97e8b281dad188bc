"""The HTML pages that commands write."""
