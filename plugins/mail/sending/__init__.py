"""From a row of the outbox to a mail that was handed in.

``sender.py`` is the road; ``compose.py`` makes the mail, ``smtp.py`` hands it in, and
``replies.py`` says what a refusal means.
"""
