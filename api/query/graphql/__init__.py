"""The reports as GraphQL: one address, read only."""
