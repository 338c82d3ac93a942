"""Solutions and faulty variants of chapter 10."""
