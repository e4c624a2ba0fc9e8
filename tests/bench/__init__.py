"""Speed, side by side with peers: `make bench`, and the figures of docs/performance.md."""
