"""Fair hours: when a message may reach its recipient, by place, weekday and holiday, and by the recipient's clock.

`ask.AccountHours` is the one question. `data/rules.toml` has the rules with their sources, `data/nanp.toml` the area
codes.
"""
