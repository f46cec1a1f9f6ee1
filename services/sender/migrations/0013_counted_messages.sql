-- Which of a recipient's last messages counts under which time, by message id: one whose sender died after it had counted
-- it comes again, and does not count a second time. A sender of before leaves the column as it is, which is harmless: an
-- id counts only while its time is in `times`.
ALTER TABLE recipient_messages ADD COLUMN message_times jsonb NOT NULL DEFAULT '{}';
