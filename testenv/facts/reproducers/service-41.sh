client_side() { kubectl $2 -f - <<EOF
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: $1}}
EOF
}
client_side '[{name: http, port: 8080}]' create
contributor '[{name: dns-tcp, port: 53, protocol: TCP, targetPort: 5353}]'
client_side '[{name: http, port: 8080}, {name: dns, port: 53, protocol: UDP}]' apply
ports
#> http:8080/TCP->8080 dns:53/UDP->5353
