"""The process around the core: settings, plugins, HTTP, the command line, start and stop."""
