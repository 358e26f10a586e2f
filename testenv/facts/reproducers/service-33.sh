owner '[{name: http, port: 8080, targetPort: 8080}]'
contributor '[{name: metrics, port: 9090, protocol: TCP, targetPort: 9091}]'
owner '[{name: http, port: 9090, targetPort: 8080}]'
#> error: Apply failed with 2 conflicts: conflicts with "contributor":
#> - .spec.ports[port=9090,protocol="TCP"].name
#> - .spec.ports[port=9090,protocol="TCP"].targetPort
