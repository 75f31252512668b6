"""The core: orders the work. Knows no vendor, no shop and no Rasa."""
