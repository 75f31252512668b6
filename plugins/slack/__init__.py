"""Slack: where agents take over, and a channel for customers."""
