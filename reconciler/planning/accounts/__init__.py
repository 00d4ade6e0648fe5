"""The account of every open line and of every unit on the bill, once each line of the plan is judged."""
