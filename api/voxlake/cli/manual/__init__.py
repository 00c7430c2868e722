"""What commands say of themselves: how they end their help, examples, exit codes, completion."""
