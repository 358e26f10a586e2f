owner '[{name: http, port: 8080}]'
contributor '[{name: metrics, port: 9090, protocol: TCP}]' '' third
kubectl patch service web --type=json -p '[{"op": "test", "path": "/metadata/managedFields/1/manager", "value": "third"},
  {"op": "remove", "path": "/metadata/managedFields/1"}]' # metrics has no owner now
owner '[{name: http, port: 8080}]'
ports
#> http:8080/TCP->8080 metrics:9090/TCP->9090
owner '[]'
#> The Service "web" is invalid: spec.ports: Required value
contributor '[{name: stats, port: 9090, protocol: TCP}]'
ports
#> http:8080/TCP->8080 stats:9090/TCP->9090
