"""What runs in a pod: fetch and verify sources, train, evaluate once, meter, and answer.

It imports `coppice.api` and nothing else of Coppice, so its image holds no operator; torch and transformers are
imported only inside the child processes that need them, so that the supervising process stays small.
"""
