owner '[{port: 8080}]' # without a name
contributor '[{name: metrics, port: 9090, protocol: TCP}]'
#> The Service "web" is invalid: spec.ports[0].name: Required value
