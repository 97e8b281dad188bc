"""Builds that reuse relations which a build would not change."""
