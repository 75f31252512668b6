"""From an original, whatever is wrong with it, to a :class:`plugins.mail.model.Mail`. Pure.

``parse.py`` is the door; ``kinds.py`` says which mails a machine wrote, ``bounces.py`` what came
back.
"""
