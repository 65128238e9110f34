"""One thread for every test here: tiny models gain nothing from more, and the machine has other work."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
