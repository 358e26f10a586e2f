owner '[{name: http, port: 8080}]'
contributor '[{name: metrics, port: 9090, protocol: TCP, targetPort: 9091}]'
contributor '[{name: metrics, port: 9090, protocol: TCP, targetPort: 9091}]' '' third
contributor '[{name: metrics, port: 9099, protocol: TCP, targetPort: 9091}]' --force-conflicts
#> The Service "web" is invalid: spec.ports[2].name: Duplicate value: "metrics"
contributor '[{name: metrics, port: 9090, protocol: TCP, targetPort: 9092}]'
#> error: Apply failed with 1 conflict: conflict with "third": .spec.ports[port=9090,protocol="TCP"].targetPort
