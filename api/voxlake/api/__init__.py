"""The HTTP gateway: identity, permissions, cutouts, stored bytes and viewer links over one lake."""
