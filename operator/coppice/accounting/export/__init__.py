"""A report in the words of others: what a model card, an Impact Framework manifest or a bill of materials holds."""
