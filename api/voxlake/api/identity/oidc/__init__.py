"""People sign in at their own provider, and bearers of its tokens are believed."""
