twins='[{name: http, containerPort: 8080}, {name: web-ui, containerPort: 8080}]'
owner '[{name: http, containerPort: 8080}]'
kubectl replace --field-manager=editor -f - <<EOF
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: web}, spec: {replicas: 0,
 selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {
 containers: [{name: web, image: web:1, ports: $twins}]}}}}
EOF
contributor '[{name: metrics, containerPort: 9090, protocol: TCP}]' # another key
ports
#> http:8080/TCP web-ui:8080/TCP metrics:9090/TCP
owner '[{name: http, containerPort: 8080}]' --force-conflicts
ports
#> http:8080/TCP metrics:9090/TCP
