"""Run the images of steps as pods, for floe."""
