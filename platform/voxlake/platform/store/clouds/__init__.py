"""Buckets of Google Cloud Storage and containers of Azure Blob Storage, as libraries take them."""
