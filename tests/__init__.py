"""Tests, mirroring the rooms of the house."""
