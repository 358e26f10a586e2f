#!/bin/sh
# Deploys the workload and its adapter ports, as often as you like.
#
# --server-side, because a client-side apply merges ports by number alone: a port
# 2049/UDP of yours would replace an adapter's 2049/TCP. --force-conflicts, so that
# your manifest also gets a number that an adapter has; portside then gives way.
set -eu
cd "$(dirname "$0")"

kubectl apply --server-side --force-conflicts -f statefulset.yaml
portside sync -f adapterset.yaml
