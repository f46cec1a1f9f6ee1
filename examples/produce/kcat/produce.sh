#!/bin/sh
# Request a text message: produce.sh PHONE JSON. The line's text before the tab is the key.
printf '%s\t%s\n' "$1" "$2" |
    kcat -P -b "$KAFKA" -t outbound-messages -K "$(printf '\t')" -X acks=all -X partitioner=murmur2_random
