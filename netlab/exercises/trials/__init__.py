"""Textbook servers on trial, in any language: one file each, with one `TRIAL`."""
