"""The actions that every bot has: yes and no, a person, the bot again, answers from knowledge.

They stand on the guarded road of ``bot/actions.py``; decision 0018 says why beside the core.
"""
