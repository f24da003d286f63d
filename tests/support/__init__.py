"""Fixtures and factories that tests of several rooms share."""
