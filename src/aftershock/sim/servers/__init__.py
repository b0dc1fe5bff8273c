"""The sandbox: local servers that speak the venues' and vendors' true protocols over the simulated market.

Nothing here imports `venues`, which reads what is written here: a codec shared by both ends would agree with its own
mistakes. The wire is written from Tardis' documentation and from samples of its own software.
"""
