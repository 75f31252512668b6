"""Serve a trained model to the bot, on loopback.

    python serve.py --model MODEL.tar.gz [--port 0] [--follow-stdin]

Quicker than `rasa run`: it imports no command line and offers no routes but those of our channel.
Where to find the action server and the tracker, and the token, come from the environment that
`endpoints.yml` and `credentials.yml` name. One JSON line on stdout, `{"port": 12345}`, says that
turns are answered from now on.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

from components.startup import quiet

HERE = Path(__file__).resolve().parent
LARGEST_REQUEST = 8 * 1024 * 1024
"""Bytes of a request body; a batch of 2,000 long texts fits in."""
BACKLOG = 128
"""Connections that wait to be accepted."""


def main() -> None:
    """Read the command line and serve until told to stop."""
    options = _options()
    if options.follow_stdin:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    quiet()
    listening = socket.create_server((options.host, options.port), backlog=BACKLOG)
    _serve(options.model, listening)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="the trained model, a .tar.gz file")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument(
        "--follow-stdin",
        action="store_true",
        help="end when stdin closes, which it does when the process that started this one is gone",
    )
    return parser.parse_args()


def _end_with_stdin() -> None:
    """End at once when the parent is gone, however it went.

    Nothing is lost: a turn is saved in one piece at its end, and asked again when it was not.
    """
    # Unbuffered: at its own end Python cannot wait for a thread inside of a buffered read.
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os._exit(0)


def _serve(model: str, listening: socket.socket) -> None:
    from rasa.core.run import configure_app, create_http_input_channels, load_agent_on_start
    from rasa.core.utils import AvailableEndpoints

    endpoints = AvailableEndpoints.read_endpoints(str(HERE / "endpoints.yml"))
    channels = create_http_input_channels(None, str(HERE / "credentials.yml"))
    app = configure_app(channels, enable_api=False, endpoints=endpoints)
    app.config.REQUEST_MAX_SIZE = LARGEST_REQUEST
    app.register_listener(
        partial(load_agent_on_start, model, endpoints, None), "before_server_start"
    )
    app.register_listener(partial(_announce, listening.getsockname()[1]), "after_server_start")
    app.run(sock=listening, access_log=False, motd=False)


async def _announce(port: int, app: Any, _loop: object) -> None:
    if app.ctx.agent.processor is None:
        sys.exit("the model could not be loaded")
    print(json.dumps({"port": port}), flush=True)


if __name__ == "__main__":
    main()
