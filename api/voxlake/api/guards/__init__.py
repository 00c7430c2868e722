"""Guards: who may do what is decided here, once for each request, whatever the route."""
