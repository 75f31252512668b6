"""Who a customer is: proofs, one-time codes, limits, the audit log, and one customer over channels.

The core asks it through the port in ``bot/identity.py``; decision 0016 says why it stands alone.
"""
