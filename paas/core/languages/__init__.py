"""From what a source holds to a Dockerfile for it, where there is none."""
