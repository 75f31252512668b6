"""From a mailbox to the bot's inbox: watched, fetched, judged, and imported once.

``mailbox.py`` watches one by ``imap.py``; ``seen.py`` finds out about a mail what needs no store;
``intake.py`` is the one road into the bot, and ``ledger.py`` what has taken it.
"""
