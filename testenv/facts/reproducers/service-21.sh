owner '[{name: http, port: 8080}, {name: https, port: 8443}]'
contributor '[{name: http, port: 9090, protocol: TCP}, {name: a.b, port: 9091, protocol: TCP}]'
#> The Service "web" is invalid:
#> * spec.ports[2].name: Duplicate value: "http"
#> * spec.ports[3].name: Invalid value: "a.b": must not contain dots
contributor '[{name: http, port: 9090, protocol: TCP}, {name: a.b, port: 9091, protocol: TCP}, {name: tls, port: 8443, protocol: TCP}]'
#> error: Apply failed with 1 conflict: conflict with "owner": .spec.ports[port=8443,protocol="TCP"].name
