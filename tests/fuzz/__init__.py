"""Strangers' files by the thousand: none may execute, escape, hang or fill memory.

`worker` reads inputs in one process that is watched, `driver` watches it, `mutations`
makes inputs from good ones and a seed, `attacks` lists those that people thought of.
"""
