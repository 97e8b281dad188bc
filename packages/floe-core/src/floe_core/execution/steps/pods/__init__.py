"""Steps that are container images: each runs as a Kubernetes pod that a local process follows."""
