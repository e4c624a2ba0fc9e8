"""Billing: from plans, usage and lines of batches to documents; pure rules."""
