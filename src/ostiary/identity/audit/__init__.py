"""The audit log: who did what to which account, application or key, and when."""
