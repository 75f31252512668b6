"""What a mail quotes is told from what its sender wrote: :func:`quotes.fold`. Pure."""
