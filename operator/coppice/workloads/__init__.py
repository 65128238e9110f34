"""Coppice."""
