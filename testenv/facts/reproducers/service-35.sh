owner '[{name: http, port: 8080}]' '' 'clusterIP: None,'
contributor '[{name: metrics, port: 9090, protocol: TCP}]' '' third
kubectl patch service web --type=json -p '[{"op": "test", "path": "/metadata/managedFields/0/manager", "value": "owner"},
  {"op": "remove", "path": "/metadata/managedFields/0"}]' # http has no owner now
ports
#> http:8080/TCP->8080 metrics:9090/TCP->9090
contributor '[]' '' third
echo "[$(ports)]"
#> []
