owner '[{name: http, port: 8080}]'
contributor '[{name: metrics, port: 9090, protocol: TCP}]'
owner '[]'
contributor '[]'
#> The Service "web" is invalid: spec.ports: Required value
kubectl patch service web --type=json -p '[{"op": "remove", "path": "/spec/ports/0"}]'
#> The Service "web" is invalid: spec.ports: Required value
owner '[{name: http, port: 8080}]'
contributor '[]'
ports
#> http:8080/TCP->8080
