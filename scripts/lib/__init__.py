"""What all scripts share: rules (pure), documents, storage, alerts."""
