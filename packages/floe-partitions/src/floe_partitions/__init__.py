"""`floe partitions`: the states of a product's partitions, for each node."""
