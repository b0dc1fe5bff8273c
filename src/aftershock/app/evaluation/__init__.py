"""Evaluation: strategies against simulated markets whose truth they cannot see, and the labels of what they did."""
