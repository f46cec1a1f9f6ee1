"""The parts that pages are made of: functions that return HTML, in which everything from outside is escaped."""
