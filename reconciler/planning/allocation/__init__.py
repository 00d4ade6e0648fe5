"""Which open line bills whose seats: lines on one side, wanted lines on the other."""
