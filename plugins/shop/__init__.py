"""The shop: the ports that actions ask (api.py), and a demo shop and carrier behind them."""
