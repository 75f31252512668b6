"""Slack: one app for agents and for customers."""
