"""How good estimates, chances and ladders are: each part re-runs by one command and prints what it found."""
