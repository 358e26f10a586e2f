owner '[{name: http, port: 8080}]'
contributor '[{name: metrics, port: 9090, protocol: TCP}]'
owner '[{port: 8080}]' --force-conflicts # without a name
#> The Service "web" is invalid: spec.ports[0].name: Required value
