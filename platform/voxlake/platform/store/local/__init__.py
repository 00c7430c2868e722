"""Files and folders of this machine as a store: what S3 does by itself."""
