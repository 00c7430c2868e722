"""Jobs: what runs, how far it is, which tasks are done. The ledger lives in the catalog."""
