owner '[{name: http, port: 8080}]'
contributor '[{name: metrics, port: 9090, protocol: TCP}, {name: debug, port: 6060, protocol: TCP}]'
ports
#> http:8080/TCP->8080 metrics:9090/TCP->9090 debug:6060/TCP->6060
contributor '[{name: debug, port: 6060, protocol: TCP}, {name: metrics, port: 9090, protocol: TCP}]'
ports
#> http:8080/TCP->8080 debug:6060/TCP->6060 metrics:9090/TCP->9090
