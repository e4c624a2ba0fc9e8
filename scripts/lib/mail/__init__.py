"""Mail: letters, the outbox, the server, reminders."""
