"""The product that an import writes: drafts of its jobs, floe.yaml and manifest.yaml."""
