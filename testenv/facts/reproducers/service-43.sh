owner '[{name: http, port: 8080}]'
contributor '[{name: metrics, port: 9090, protocol: TCP}]'
kubectl patch service web --type=merge -p '{"spec": {"ports": [{"name": "http", "port": 8080, "protocol": "TCP"}]}}'
ports
#> http:8080/TCP->8080
contributor '[{name: metrics, port: 9090, protocol: TCP}]'
kubectl replace -f - <<EOF
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{name: http, port: 8080}]}}
EOF
ports
#> http:8080/TCP->8080
