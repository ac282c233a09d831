#!/usr/bin/env bash
# sudo of a simulated node. The provider first asks whether it may use it (pvesm apiinfo), then uploads with it.
while [ "${1:-}" = "-n" ]; do shift; done
case ${1:-} in
  */pvesm) echo "APIVER 12" ;;
  *) exec "$@" ;;
esac
