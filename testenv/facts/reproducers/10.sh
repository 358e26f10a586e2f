client_side() { kubectl $2 -f - <<EOF
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: web}, spec: {replicas: 0,
 selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {
 containers: [{name: web, image: web:1, ports: $1}]}}}}
EOF
}
client_side '[{name: http, containerPort: 8080}]' create
contributor '[{name: metrics, containerPort: 9090, protocol: TCP}]'
client_side '[{name: http, containerPort: 8080}]' replace
ports
#> http:8080/TCP
contributor '[{name: dns-tcp, containerPort: 53, protocol: TCP}]'
client_side '[{name: http, containerPort: 8080}, {name: dns, containerPort: 53, protocol: UDP}]' apply
ports
#> http:8080/TCP dns:53/UDP
