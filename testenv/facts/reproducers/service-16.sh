owner '[{name: http, port: 8080}]'
contributor '[{name: http, port: 9090, protocol: TCP}]'
#> The Service "web" is invalid: spec.ports[1].name: Duplicate value: "http"
