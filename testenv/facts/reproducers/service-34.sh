owner '[{port: 8080}]' # without a name
contributor '[{name: web-ui, port: 8080, protocol: TCP}, {name: metrics, port: 9090, protocol: TCP}]'
contributor '[{name: metrics, port: 9090, protocol: TCP}]'
#> The Service "web" is invalid: spec.ports[0].name: Required value
contributor '[]'
ports
#> :8080/TCP->8080
