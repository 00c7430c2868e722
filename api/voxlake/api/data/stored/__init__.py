"""The way from a route to stored bytes, as they lie or as other formats have them."""
