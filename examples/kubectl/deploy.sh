#!/bin/sh
# Deploys the workload and its adapter ports. It can be run any number of times.
#
# --server-side: a client-side apply merges ports by number alone, so a static port
# 2049/UDP would replace an adapter port 2049/TCP.
# --force-conflicts: if the manifest takes the number of an adapter port, the manifest
# wins, and portside gives the port up.
set -eu
cd "$(dirname "$0")"

kubectl apply --server-side --force-conflicts -f statefulset.yaml
portside sync -f adapterset.yaml
