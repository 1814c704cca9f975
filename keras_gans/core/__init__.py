"""The kernel: what every system shares."""
