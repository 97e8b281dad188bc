"""What floe knows of Helm: settings of a chart's values, their file, the chart, the engine."""
