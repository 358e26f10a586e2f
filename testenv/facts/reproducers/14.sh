owner '[{name: http, containerPort: 8080}]'
contributor '[{name: debug, containerPort: 6060, protocol: TCP}]' '' third # so that one entry stays
kubectl patch statefulset web --type=json -p '[{"op": "test", "path": "/metadata/managedFields/0/manager", "value": "owner"},
  {"op": "remove", "path": "/metadata/managedFields/0"}]'
contributor '[{name: web-ui, containerPort: 8080, protocol: TCP}]'
ports
#> web-ui:8080/TCP debug:6060/TCP
kubectl patch statefulset web --type=merge -p '{"metadata": {"managedFields": [{}]}}'
contributor '[{name: http, containerPort: 8080, protocol: TCP}]'
#> error: Apply failed with 1 conflict: conflict with "before-first-apply" using apps/v1: .spec.template.spec.containers[name="web"].ports[containerPort=8080,protocol="TCP"].name
