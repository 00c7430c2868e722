"""Jobs on the wire: what is asked of them, what they would do, what one is."""
