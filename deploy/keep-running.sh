#!/bin/sh
# Runs a command again whenever it ends, until this script is told to stop. The media worker runs under it, so that a
# crash of the worker does not end its container, and with it the encoders that outlive the worker: the next worker
# adopts them.
set -u
PAUSE_SECONDS=1

child=
stopping=
stop() {
  stopping=1
  [ -n "$child" ] && kill -"$1" "$child" 2>/dev/null
}
# TERM asks the media worker to finish what runs, INT to leave at once.
trap 'stop TERM' TERM
trap 'stop INT' INT

while [ -z "$stopping" ]; do
  "$@" &
  child=$!
  # A signal ends the wait early; the command still needs its time to finish.
  wait "$child"
  while kill -0 "$child" 2>/dev/null; do wait "$child"; done
  [ -z "$stopping" ] && sleep "$PAUSE_SECONDS"
done
