#!/bin/sh
# Migrates DittoFS from its operator to Git and portside. Run it again as often as
# you like: what is done is left as it is. Nothing restarts but for what Git changes.
#
# statefulset.yaml must have the operator's selector, serviceName and
# volumeClaimTemplates, which the server lets nobody change. Where it declares the
# number of an adapter port itself, as it does for nfs, the port is Git's from then
# on, under Git's name. Other ports that the operator has named adapter-*, such as
# those of its portmapper, are taken over too, and the first pass removes them; to
# keep them, declare them in Git.
set -eu
cd "$(dirname "$0")"
dittofs="-n storage statefulset/dittofs"

# The operator ends, and the StatefulSet stays when its DittoServer is deleted.
kubectl scale -n dittofs-operator-system deployment/dittofs-operator-controller-manager --replicas=0
kubectl patch $dittofs --type=merge --patch '{"metadata": {"ownerReferences": null}}'

# The operator has written as `manager` and, in other releases, as `dittofs-operator`.
# To adopt from a manager that owns nothing is an error, so only those that own ports
# are named; once everything is adopted, there are none. First show what would become
# of each workload, and how many pods would restart.
from=$(portside owners $dittofs -o name | grep -x -e manager -e dittofs-operator | paste -s -d , -)
if [ -n "$from" ]; then
  portside adopt -n storage --all --from "$from" --dry-run=server
  portside adopt -n storage --all --from "$from"
fi

# Git takes over all the rest; Argo CD and Flux do the same.
kubectl apply --server-side --force-conflicts -f statefulset.yaml

# What the operator wrote it still owns beside Git, so that Git could change it and
# not drop it. Its entries go; what Git does not declare stays, and is nobody's.
for manager in manager dittofs-operator; do
  entry=$(kubectl get $dittofs --show-managed-fields \
    -o jsonpath='{range .metadata.managedFields[*]}{.manager}/{.operation}/{.subresource}{"\n"}{end}' |
    awk -v entry="$manager/Update/" '$0 == entry { print "/metadata/managedFields/" NR - 1; exit }')
  if [ -n "$entry" ]; then
    kubectl patch $dittofs --type=json --patch "[
      {\"op\": \"test\", \"path\": \"$entry/manager\", \"value\": \"$manager\"},
      {\"op\": \"remove\", \"path\": \"$entry\"}]"
  fi
done

# From now on the adapters decide. `portside run` asks the pods instead, by the same
# AdapterSet in the cluster.
portside sync -f adapterset.yaml --adapters adapters-both-running.json
