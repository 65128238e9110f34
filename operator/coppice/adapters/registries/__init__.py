"""Where base models are registered from: the Hugging Face Hub, a directory, an MLflow registry.

Each is a Repository: a list of files with sizes and, where the registry knows them, digests; small files whole, and
ranges of large ones. Nothing here downloads weights.
"""
