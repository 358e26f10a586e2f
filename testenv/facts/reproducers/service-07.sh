owner '[{name: http, port: 8080}]' # without a protocol
contributor '[{name: web-ui, port: 8080, protocol: TCP}]'
#> error: Apply failed with 1 conflict: conflict with "owner": .spec.ports[port=8080,protocol="TCP"].name
