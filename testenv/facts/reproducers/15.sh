owner '[{name: http, containerPort: 8080}]'
contributor '[{name: metrics, containerPort: 9090, protocol: TCP}]'
kubectl patch statefulset web --field-manager=editor --type=json \
  -p '[{"op": "replace", "path": "/spec/template/spec/containers/0/ports/1/name", "value": "stats"}]'
contributor '[{name: metrics, containerPort: 9090, protocol: TCP}]'
#> error: Apply failed with 1 conflict: conflict with "editor" using apps/v1: .spec.template.spec.containers[name="web"].ports[containerPort=9090,protocol="TCP"].name
before=$(version)
contributor '[{containerPort: 9090, protocol: TCP}]' # without a name
[ "$(version)" = "$before" ] && ports
#> http:8080/TCP stats:9090/TCP
contributor '[]'
ports
#> http:8080/TCP
