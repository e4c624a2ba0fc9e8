"""Bank: statements of accounts, read and matched."""
