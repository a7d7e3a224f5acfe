"""Browser sessions: who has signed in with this browser, and until when."""
