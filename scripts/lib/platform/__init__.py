"""Platform: the approved platform, what is deposited there and what it says."""
