"""Run the steps of a product, each as a process of its own."""
