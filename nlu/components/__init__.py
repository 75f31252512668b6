"""What Schalter adds to Rasa: an input channel, an entity extractor, words without texts."""
