"""Inputs: what people and other programs write, read through schemas and checked as a whole."""
