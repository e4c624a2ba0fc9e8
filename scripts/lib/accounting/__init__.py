"""Accounting: what the accountant and the tax office get, made of histories."""
