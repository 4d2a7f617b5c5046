"""Backtest: what the present rules would have decided on old logs."""
