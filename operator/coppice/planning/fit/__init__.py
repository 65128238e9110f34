"""Fit: which base models and methods can serve a job at all.

Hard constraints only; how well something would serve is the chance's business. A check is a function of a model (or
a model and a method) and the request; it answers None or a Rejection: a reason and a sentence that names the model,
the rule and who made it. To add one, write the function, put it in the ordered list of `checks`, and add its reason
to `coppice.api.reasons`.
"""
