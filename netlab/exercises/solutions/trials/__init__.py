"""Solutions and faulty variants of the trials."""
