"""Documents: pages, XML, validators, and their production."""
