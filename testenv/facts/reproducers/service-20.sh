owner '[{name: http, port: 8080}]'
contributor '[{name: metrics, port: 9090, protocol: TCP, targetPort: 9091}]'
ports
#> http:8080/TCP->8080 metrics:9090/TCP->9091
contributor '[{name: metrics, port: 9090, protocol: TCP}]'
ports
#> http:8080/TCP->8080 metrics:9090/TCP->9090
