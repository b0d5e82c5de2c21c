"""How long somebody in the admin waits for a page of a large shop."""
