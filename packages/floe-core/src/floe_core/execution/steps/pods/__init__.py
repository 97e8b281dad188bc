"""Steps that are container images: each runs as a Kubernetes pod, followed by a process of ours."""
