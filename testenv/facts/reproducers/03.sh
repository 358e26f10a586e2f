owner '[{name: http, containerPort: 8080}]'
contributor '[{name: metrics, containerPort: 9090, protocol: TCP}, {name: debug, containerPort: 6060, protocol: TCP}]'
ports; version generation
#> http:8080/TCP metrics:9090/TCP debug:6060/TCP 2
contributor '[{name: debug, containerPort: 6060, protocol: TCP}, {name: metrics, containerPort: 9090, protocol: TCP}]'
ports; version generation
#> http:8080/TCP debug:6060/TCP metrics:9090/TCP 3
