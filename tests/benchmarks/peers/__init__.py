"""What people would pick instead: bare servers of rooms, as small and as quick as they come.

Each joins rooms, passes on what is said there, answers `ping`, and sends a `text` to everybody. It
has no limits, no names, no history, and nothing happens to who does not read.
"""
