"""Leads: people who sent a form and want to be answered. What is personal of them, and how little may be shown of it."""
