"""The process that is bound to SMSCs as a receiver: recipients' messages and receipts that come by SMPP."""
