"""Every feature; built-ins enter through the same door as anybody's."""
