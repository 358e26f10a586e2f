owner '[]'
contributor '[{name: http, containerPort: 8080, protocol: TCP}]' '' third
kubectl patch statefulset web --type=json -p '[{"op": "test", "path": "/metadata/managedFields/1/manager", "value": "third"},
  {"op": "remove", "path": "/metadata/managedFields/1"}]' # http has no owner now
contributor '[{name: metrics, containerPort: 9090, protocol: TCP}]'
ports
#> http:8080/TCP metrics:9090/TCP
kubectl apply --server-side --field-manager=contributor -f - <<EOF
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: web}}
EOF
echo "[$(ports)]"
#> []
