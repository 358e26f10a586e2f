owner '[]' '' 'clusterIP: None,'
kubectl patch service web --field-manager=editor --type=json \
  -p '[{"op": "add", "path": "/spec/ports", "value": [{"name": "http", "port": 8080, "protocol": "TCP"}]}]'
contributor '[{name: metrics, port: 9090, protocol: TCP}]'
kubectl patch service web --field-manager=editor --type=json -p '[{"op": "remove", "path": "/spec/ports/0"}]'
kubectl apply --server-side --field-manager=contributor -f - <<EOF
{apiVersion: v1, kind: Service, metadata: {name: web}}
EOF
contributor '[{name: metrics, port: 9090, protocol: TCP}]'
#> error: Apply failed with 1 conflict: conflict with "editor" using v1: .spec.ports
