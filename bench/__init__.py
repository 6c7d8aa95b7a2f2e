"""How fast the gateway is, as ratios within one run: `python -m bench` (= `make bench`).

Absolute numbers say more about the machine than about the gateway, and machines are shared and noisy. So what is
compared is measured side by side, in turns, several rounds, and the best round of each counts; and beside each rate
stands the CPU time that one message took, which other people's load changes least.
"""
