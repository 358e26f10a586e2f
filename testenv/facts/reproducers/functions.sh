# owner PORTS [FLAG [CONTAINER]] and contributor PORTS [FLAG [MANAGER]] apply
owner() { kubectl apply --server-side --field-manager=owner $2 -f - <<EOF
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: web}, spec: {replicas: 0,
 selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {
 containers: [{name: ${3:-web}, image: web:1, ports: $1}]}}}}
EOF
}
contributor() { kubectl apply --server-side --field-manager=${3:-contributor} $2 -f - <<EOF
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: web}, spec: {template: {spec: {
 containers: [{name: web, ports: $1}]}}}}
EOF
}
ports() { kubectl get statefulset web -o jsonpath='{range .spec.template.spec.containers[*].ports[*]}{.name}:{.containerPort}/{.protocol} {end}'; }
version() { kubectl get statefulset web -o jsonpath="{.metadata.${1:-resourceVersion}}"; }
