owner '[{name: http, containerPort: 8080}]'
contributor '[{name: metrics, containerPort: 9090, protocol: TCP}, {name: debug, containerPort: 6060, protocol: TCP}]'
contributor '[{name: metrics, containerPort: 9090, protocol: TCP}]' '' third
kubectl patch statefulset web --field-manager=editor --type=json \
  -p '[{"op": "add", "path": "/spec/template/spec/containers/0/ports/2/hostPort", "value": 6060}]'
contributor '[]' # third owns metrics too, editor a field of debug
ports
#> http:8080/TCP metrics:9090/TCP
