"""Values: money, days, the document and the words of each language; pure, without a disk."""
