"""The Evaluate page: one state made from the address, and the views that draw it and say which photos they show."""
