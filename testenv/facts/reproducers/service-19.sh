owner '[{name: http, port: 8080}]'
contributor '[{name: metrics, port: 9090, protocol: TCP, targetPort: 9091}]'
kubectl patch service web --field-manager=editor --type=json -p '[{"op": "replace", "path": "/spec/ports/1/targetPort", "value": 9999}]'
contributor '[{name: metrics, port: 9090, protocol: TCP, targetPort: 9091}]'
#> error: Apply failed with 1 conflict: conflict with "editor" using v1: .spec.ports[port=9090,protocol="TCP"].targetPort
before=$(version)
contributor '[{name: metrics, port: 9090, protocol: TCP}]' # without the field
[ "$(version)" = "$before" ] && ports
#> http:8080/TCP->8080 metrics:9090/TCP->9999
