"""`coppice models`: register base models, and keep the registration honest.

What can be read from a model's own files is pure functions here (card, shape, tensors, selection); the commands read
through a Repository (`adapters.registries`) and print. Nothing downloads weights.
"""
