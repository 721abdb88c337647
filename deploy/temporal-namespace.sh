#!/bin/sh
# Makes the namespace and registers Holdfast's search attributes; changes nothing when that is done already.
# Runs in temporalio/admin-tools; reads TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE, as the CLI does.
set -eu
# Closed workflows are looked at by support for a month.
RETENTION=720h
ATTRIBUTES='StreamId StreamStatus HostId'
ATTEMPTS=60

attempt=1
until temporal operator cluster health >/dev/null 2>&1; do
  [ "$attempt" -ge "$ATTEMPTS" ] && { echo "Temporal at $TEMPORAL_ADDRESS does not answer" >&2; exit 1; }
  attempt=$((attempt + 1))
  sleep 1
done

if ! temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$RETENTION"
fi

# A new namespace is known to every part of the server only after some seconds.
attempt=1
until present=$(temporal operator search-attribute list --namespace "$TEMPORAL_NAMESPACE" 2>/dev/null); do
  [ "$attempt" -ge "$ATTEMPTS" ] && { echo "The namespace $TEMPORAL_NAMESPACE does not answer" >&2; exit 1; }
  attempt=$((attempt + 1))
  sleep 1
done

for name in $ATTRIBUTES; do
  echo "$present" | grep -qw "$name" && continue
  temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" --name "$name" --type Keyword
done
echo "The namespace $TEMPORAL_NAMESPACE is ready."
