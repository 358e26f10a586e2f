owner '[{port: 8080}]' # without a name
contributor '[{name: web-ui, port: 8080, protocol: TCP, targetPort: 8081}]'
ports
#> web-ui:8080/TCP->8081
owner '[{name: http, port: 8080, targetPort: 8080}]'
#> error: Apply failed with 2 conflicts: conflicts with "contributor":
#> - .spec.ports[port=8080,protocol="TCP"].name
#> - .spec.ports[port=8080,protocol="TCP"].targetPort
