"""A lake and a gateway as services: how they are."""
