"""What builds and checks the course; no part of the package."""
