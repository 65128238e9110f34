"""Where carbon intensity comes from: one module per provider, each of which never waits for the network."""
