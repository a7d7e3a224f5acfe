"""What users have granted: codes, families of refresh tokens, and the rules of using each once."""
