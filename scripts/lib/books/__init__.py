"""Books: records, the protocol that appends them, and what follows from them."""
