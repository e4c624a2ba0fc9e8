"""Audit: everything read again and compared; backups."""
