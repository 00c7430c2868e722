"""What commands do once they are run.

It is loaded then: their help, and what a shell completes, do without.
"""
