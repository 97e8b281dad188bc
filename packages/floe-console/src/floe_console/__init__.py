"""All products of a platform, on whichever orchestrators they run."""
