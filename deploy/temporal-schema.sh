#!/bin/sh
# Makes Temporal's two databases and brings their schemas up to date; changes nothing when that is done already.
# Runs in temporalio/admin-tools; reads POSTGRES_SEEDS, POSTGRES_USER and SQL_PASSWORD.
set -eu

for kind in temporal visibility; do
  case $kind in
    temporal) database=temporal ;;
    visibility) database=temporal_visibility ;;
  esac
  tool() {
    temporal-sql-tool --plugin postgres12 --ep "$POSTGRES_SEEDS" -p 5432 -u "$POSTGRES_USER" --db "$database" "$@"
  }
  # Both complain when it is there already; update-schema fails if it is not.
  tool create || true
  tool setup-schema -v 0.0 || true
  tool update-schema -d "/etc/temporal/schema/postgresql/v12/$kind/versioned"
done
