owner '[{name: http, containerPort: 8080}]'
contributor '[{name: metrics, containerPort: 9090, protocol: TCP}]'
managers() { kubectl get statefulset web -o jsonpath='{.metadata.managedFields[?(@.operation=="Apply")].manager}' | xargs -n1 | sort | xargs; }
contributor '[]'
managers
#> contributor owner
kubectl apply --server-side --field-manager=contributor -f - <<EOF
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: web}}
EOF
managers
#> owner
