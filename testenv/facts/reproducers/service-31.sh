owner '[{name: http, port: 8080}]'
contributor '[{name: metrics, port: 9090, protocol: TCP}]'
owner '[]'
ports
#> metrics:9090/TCP->9090
