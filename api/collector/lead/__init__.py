"""Leads, /lead: forms that people sent, kept before they are answered."""
