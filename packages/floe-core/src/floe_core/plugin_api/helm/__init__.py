"""Helm support: the settings of a chart's values, the values file, and rendering charts."""
