#!/bin/sh
# Migrates DittoFS from its operator to Git and portside. It can be run again: steps
# that are done change nothing. Pods restart only for what Git or the last step changes.
#
# statefulset.yaml must have the operator's selector, serviceName and
# volumeClaimTemplates, because the API server lets no manager change them. If it
# declares the number of an adapter port itself, as it does for nfs, Git owns that port
# from then on, under Git's name. Other ports that the operator named adapter-*, such as
# those of its portmapper, are adopted too, and the first sync removes them; to keep
# them, declare them in Git.
set -eu
cd "$(dirname "$0")"
dittofs="-n storage statefulset/dittofs"

# Stop the operator, and keep the StatefulSet when its DittoServer is deleted.
kubectl scale -n dittofs-operator-system deployment/dittofs-operator-controller-manager --replicas=0
kubectl patch $dittofs --type=merge --patch '{"metadata": {"ownerReferences": null}}'

# Depending on its release, the operator wrote as the field manager `manager` or
# `dittofs-operator`. To adopt from a manager that owns nothing is an error, so name only
# those that own ports; once everything is adopted, there are none. The dry run shows the
# result for each workload, and how many pods would restart.
from=$(portside owners $dittofs -o name | grep -x -e manager -e dittofs-operator | paste -s -d , -)
if [ -n "$from" ]; then
  portside adopt -n storage --all --from "$from" --dry-run=server
  portside adopt -n storage --all --from "$from"
fi

# Git takes ownership of everything else. An apply by Argo CD or Flux does the same.
kubectl apply --server-side --force-conflicts -f statefulset.yaml

# The operator still co-owns every field that it wrote, so Git could change these fields
# but not remove them. Remove the operator's managedFields entries. Fields that Git does
# not declare keep their values and then have no owner.
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

# From now on portside adds and removes the adapter ports. This syncs them once from a
# recorded answer; with the same AdapterSet in the cluster, `portside run` asks the pods.
portside sync -f adapterset.yaml --adapters adapters-both-running.json
