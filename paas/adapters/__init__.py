"""One adapter per client library; third-party exceptions end here."""
