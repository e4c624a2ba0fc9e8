"""The outside validators; the package keeps its test_judges.py apart from tests/test_judges.py."""
