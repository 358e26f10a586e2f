owner '[{name: http, port: 8080, targetPort: 8080}]'
contributor '[{name: web-ui, port: 8080, protocol: TCP, targetPort: 8081}]'
#> error: Apply failed with 2 conflicts: conflicts with "owner":
#> - .spec.ports[port=8080,protocol="TCP"].name
#> - .spec.ports[port=8080,protocol="TCP"].targetPort
