"""The data plane: moves requests from clients to replicas. Read `exchange` first."""
