#!/usr/bin/env bash
# Migrates DittoFS from its operator (v0.29) to Git and portside. Objects change only
# their owners: no pod starts, and no Service, ConfigMap, Secret, address or node port is
# lost. README.md lists what to prepare.
#
# Every step checks its result, and the script stops at the first that is not as it must
# be. Run it again from any point: a step that is done changes nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

namespace=storage # of the DittoServer, and of the manifests in this folder
server=dittofs    # name of the DittoServer
operator_namespace=dittofs
operator=dittofs-operator-controller-manager # name of its Deployment
manager=manager                              # its name in managedFields
timeout=120                                  # seconds of each wait

# What the operator creates, and what Git declares of it from now on.
objects=(
  statefulset/"$server"
  service/"$server"-{headless,api,adapter-nfs,adapter-smb}
  networkpolicy/"$server"-{baseline,adapter-nfs,adapter-smb}
  configmap/"$server"-config
  secret/"$server"-{jwt-secret,admin-bootstrap-credentials,operator-credentials}
)
manifests=(-f configmap.yaml -f service.yaml -f networkpolicy.yaml -f statefulset.yaml)

crd=dittoservers.dittofs.dittofs.com
crd_version=dittofs.dittofs.com/v1alpha1
finalizer=dittofs.dittofs.com/finalizer # the operator's
hold=portside.dev/migration             # ours
apply=(apply --server-side --force-conflicts)

say() { echo "migrate: $*" >&2; }
fail() {
  say "error: $*"
  exit 1
}
trap '[ $? -eq 0 ] || say "stopped; no later step was begun. Solve this, and run migrate.sh again"' EXIT

k() { kubectl --namespace="$namespace" "$@"; }
generation() { k get statefulset/"$server" -o jsonpath='{.metadata.generation}'; }

# dittoserver prints the DittoServer, if there is one.
dittoserver() {
  local served
  served=$(kubectl get crd "$crd" --ignore-not-found -o name) || return
  [ -z "$served" ] || k get "$crd/$server" --ignore-not-found -o name
}

# dependents prints what the DittoServer owns, as statefulset/dittofs.
dependents() {
  k get statefulsets,services,networkpolicies,configmaps,secrets -o go-template='
    {{- range $object := .items}}{{range .metadata.ownerReferences}}
      {{- if and (eq .kind "DittoServer") (eq .name "'"$server"'")}}
        {{- $object.kind}}/{{$object.metadata.name}}{{"\n"}}
      {{- end}}
    {{- end}}{{end}}' | tr '[:upper:]' '[:lower:]'
}

# entries prints the operator's entries of managedFields, as "StatefulSet/dittofs 0", and
# the last of an object first, so that removing one does not move the next.
entries() {
  k get "${objects[@]}" --ignore-not-found --show-managed-fields -o go-template='
    {{- range $object := .items}}{{range $i, $entry := .metadata.managedFields}}
      {{- if and (eq .manager "'"$manager"'") (eq .operation "Update") (not .subresource)}}
        {{- $object.kind}}/{{$object.metadata.name}} {{$i}}{{"\n"}}
      {{- end}}
    {{- end}}{{end}}' | sort -k1,1 -k2,2nr
}

# operator_pods prints the pods of the operator's Deployment, also those that are ending.
operator_pods() {
  local selector
  selector=$(kubectl get deployment "$operator" -n "$operator_namespace" --ignore-not-found \
    -o go-template='{{range $key, $value := .spec.selector.matchLabels}}{{$key}}={{$value}},{{end}}') || return
  [ -z "$selector" ] || kubectl get pods -n "$operator_namespace" -l "${selector%,}" -o name
}

# no_restart checks that Git's manifests leave the pod template as it is.
no_restart() {
  local live git
  k "${apply[@]}" --dry-run=server "${manifests[@]}" >/dev/null ||
    fail "the API server would refuse the manifests of $PWD; make them fit the live objects"
  live=$(generation)
  git=$(k "${apply[@]}" --dry-run=server -f statefulset.yaml -o jsonpath='{.metadata.generation}')
  [ "$live" = "$git" ] || fail "$PWD/statefulset.yaml differs from the live StatefulSet, so pods would" \
    "restart; make it the same: kubectl diff --server-side --force-conflicts -f statefulset.yaml"
}

# adopt has portside own the adapter ports that the operator owns, if any.
adopt() {
  local owners
  owners=$(portside owners -n "$namespace" statefulset/"$server" -o name) ||
    fail "cannot read the owners of the ports of StatefulSet $namespace/$server"
  if grep -qxF "$manager" <<<"$owners"; then
    portside adopt -n "$namespace" statefulset/"$server" --from "$manager" "$@" >&2 ||
      fail "portside cannot adopt the adapter ports of StatefulSet $namespace/$server; its message says what to do"
  fi
}

# orphaned checks that the DittoServer is gone and owns nothing.
orphaned() {
  local exists owned
  exists=$(dittoserver)
  [ -z "$exists" ] || fail "DittoServer $namespace/$server exists again; take it out of Git, or of what else creates it"
  owned=$(dependents)
  [ -z "$owned" ] || fail "DittoServer $namespace/$server is deleted, but these objects still name it as their owner, and" \
    "would be deleted:" $owned"; remove that entry of their metadata.ownerReferences"
}

check() {
  local command context exists percona owned object
  for command in kubectl portside; do
    [ -n "$(command -v "$command")" ] || fail "cannot find $command in PATH; install it"
  done
  context=$(kubectl config current-context 2>/dev/null) || context="(none)"
  say "checking DittoServer $namespace/$server and its operator in context $context"
  k get statefulset/"$server" -o name >/dev/null || fail "cannot read StatefulSet $namespace/$server in context" \
    "$context; choose the context with kubectl config use-context, or correct the names at the top of migrate.sh"
  exists=$(dittoserver)
  if [ -n "$exists" ]; then
    kubectl get deployment/"$operator" -n "$operator_namespace" -o name >/dev/null || fail "cannot read the operator's" \
      "Deployment $operator_namespace/$operator in context $context; correct the names at the top of migrate.sh"
    percona=$(k get "$crd/$server" -o jsonpath='{.spec.percona.deleteWithServer}')
    [ "$percona" != true ] ||
      fail "the operator would delete the PostgreSQL cluster: set spec.percona.deleteWithServer of" \
        "DittoServer $namespace/$server to false"
  fi
  owned=$(dependents)
  for object in $owned; do
    [[ " ${objects[*]} " == *" $object "* ]] || fail "DittoServer $namespace/$server also owns $object;" \
      "add it to objects at the top of migrate.sh, and to Git"
  done
  no_restart
  adopt --dry-run=server
}

orphan() {
  say "1/5 deleting DittoServer $namespace/$server, and keeping what it owns"
  local exists deleting pods left owned try begin=$SECONDS
  exists=$(dittoserver)
  if [ -n "$exists" ]; then
    # A reconcile of the operator that is under way may make it the owner again. Once the
    # DittoServer is gone, the garbage collector deletes what names it as owner, so a
    # finalizer holds it until nothing does.
    deleting=$(k get "$crd/$server" -o jsonpath='{.metadata.deletionTimestamp}')
    [ -n "$deleting" ] || k "${apply[@]}" --field-manager=portside-migration -f - >&2 <<<"{
      apiVersion: $crd_version, kind: DittoServer, metadata: {name: $server, finalizers: [$hold]}}"
    pods=$(operator_pods)
    [ -n "$pods" ] || say "the operator does not run, so its account k8s-operator stays in the server"
    # The garbage collector may not have seen an object that the operator has just
    # written, so it is asked up to three times.
    for try in 1 2 3; do
      k delete "$crd/$server" --cascade=orphan --wait=false --ignore-not-found >&2
      while
        left=$(k get "$crd/$server" --ignore-not-found -o jsonpath='{.metadata.finalizers[*]}')
        # The garbage collector removes orphan, and the operator its own.
        [[ " $left " == *" orphan "* ]] || { [ -n "$pods" ] && [[ " $left " == *" $finalizer "* ]]; }
      do
        [ $((SECONDS - begin)) -lt "$timeout" ] || fail "DittoServer $namespace/$server still has the finalizers $left" \
          "after $timeout seconds; read the operator's log: kubectl logs -n $operator_namespace deployment/$operator"
        sleep 1
      done
      owned=$(dependents)
      [ -n "$owned" ] || break
      [ "$try" = 3 ] || sleep 1
    done
    [ -z "$owned" ] || fail "the operator has become the owner again of" $owned"; run migrate.sh again"
    [ -z "$left" ] || k patch "$crd/$server" --type=json --patch "[
      {\"op\": \"test\", \"path\": \"/metadata/finalizers\", \"value\": [\"${left// /\", \"}\"]},
      {\"op\": \"remove\", \"path\": \"/metadata/finalizers\"}]" >&2
  fi
  orphaned
}

stop() {
  say "2/5 stopping the operator, Deployment $operator_namespace/$operator"
  local deployment pods
  deployment=$(kubectl get deployment "$operator" -n "$operator_namespace" --ignore-not-found -o name)
  [ -z "$deployment" ] || kubectl scale -n "$operator_namespace" "$deployment" --replicas=0 >&2
  pods=$(operator_pods)
  [ -z "$pods" ] || kubectl wait -n "$operator_namespace" --for=delete $pods --timeout="${timeout}s" >&2 || true
  pods=$(operator_pods)
  [ -z "$pods" ] || fail "the operator still runs in namespace $operator_namespace:" $pods"; see why with kubectl describe"
  orphaned
}

adopt_ports() {
  say "3/5 adopting the adapter ports of StatefulSet $namespace/$server"
  adopt
  local left
  left=$(portside owners -n "$namespace" statefulset/"$server" --no-headers |
    awk -v manager="$manager" '$2 ~ /^adapter-/ { gsub(",", " "); for (i = 4; i <= NF; i++) if ($i == manager) print $2 }')
  [ -z "$left" ] || fail "$manager still owns" $left"; see portside owners -n $namespace statefulset/$server -o wide"
}

apply_git() {
  say "4/5 applying the manifests of $PWD"
  no_restart
  k "${apply[@]}" "${manifests[@]}" >&2
}

give_up() {
  say "5/5 removing the operator's entries from managedFields"
  # With them the operator would still own what it wrote, and Git could not remove it.
  # Fields that Git does not declare keep their values and have no owner.
  local found object index
  found=$(entries)
  while read -r object index; do
    [ -z "$object" ] || k patch "$object" --type=json --patch "[
      {\"op\": \"test\", \"path\": \"/metadata/managedFields/$index/manager\", \"value\": \"$manager\"},
      {\"op\": \"test\", \"path\": \"/metadata/managedFields/$index/operation\", \"value\": \"Update\"},
      {\"op\": \"remove\", \"path\": \"/metadata/managedFields/$index\"}]" >&2
  done <<<"$found"
  found=$(entries)
  [ -z "$found" ] || fail "$manager has written again:" $found"; stop what writes under that name"
}

check
before=$(generation)
orphan
stop
adopt_ports
apply_git
give_up
after=$(generation)
[ "$before" = "$after" ] || fail "the StatefulSet's generation was $before and is $after, so pods may have restarted:" \
  "portside history -n $namespace statefulset/$server"
say "done: portside owns the adapter ports, and Git what its manifests declare; README.md says what comes next"
