"""What all DAG files have in common: the DAG, its default arguments, the written file."""
