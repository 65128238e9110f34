"""`python -m coppice.app`."""

import sys

from coppice.app.main import main

sys.exit(main())
