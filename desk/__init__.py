"""The agents' side of the core: cases, who has them, and what agents command.

Knows no vendor: what a desk looks like is a plugin's.
"""
