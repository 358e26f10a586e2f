owner '[{name: http, port: 8080}]' '' 'type: NodePort,'
kubectl apply --server-side --field-manager=contributor --dry-run=server -o jsonpath='{.spec.ports[1].nodePort}' -f - <<EOF
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {ports: [{name: metrics, port: 9090, protocol: TCP}]}}
EOF
#> 32769
