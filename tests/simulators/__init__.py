"""Tests of the stand-ins, over real sockets."""
