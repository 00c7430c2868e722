"""Jobs as they are asked for over HTTP: recorded here, planned and run by workers."""
