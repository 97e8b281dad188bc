"""Tell which nodes a build would leave as they stand, and why the others must be built."""
