"""Core: how to fail, read, write, lock, start and end: what every other room stands on."""
