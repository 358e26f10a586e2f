# owner PORTS [FLAG [FIELDS]] and contributor PORTS [FLAG [MANAGER]] apply
owner() { kubectl apply --server-side --field-manager=owner $2 -f - <<EOF
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {$3 selector: {app: web}, ports: $1}}
EOF
}
contributor() { kubectl apply --server-side --field-manager=${3:-contributor} $2 -f - <<EOF
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {ports: $1}}
EOF
}
ports() { kubectl get service web -o jsonpath='{range .spec.ports[*]}{.name}:{.port}/{.protocol}->{.targetPort} {end}'; }
version() { kubectl get service web -o jsonpath='{.metadata.resourceVersion}'; }
nodePort() { kubectl get service web -o jsonpath="{.spec.ports[?(@.name==\"$1\")].nodePort}"; }
