owner '[]'
kubectl patch statefulset web --field-manager=editor --type=json -p '[{"op": "add",
  "path": "/spec/template/spec/containers/0/ports", "value": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}]}]'
contributor '[{name: metrics, containerPort: 9090, protocol: TCP}]'
kubectl patch statefulset web --field-manager=editor --type=json -p '[{"op": "remove", "path": "/spec/template/spec/containers/0/ports/0"}]'
kubectl apply --server-side --field-manager=contributor -f - <<EOF
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: web}}
EOF
contributor '[{name: metrics, containerPort: 9090, protocol: TCP}]'
#> error: Apply failed with 1 conflict: conflict with "editor" using apps/v1: .spec.template.spec.containers[name="web"].ports
