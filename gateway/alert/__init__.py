"""What the operator must see to: found by pure rules, told once, reminded of daily, over when it is over."""
