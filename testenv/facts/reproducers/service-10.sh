owner '[{name: http, port: 8080}]'
contributor '[{name: a-name-of-more-than-15-characters, port: 9090, protocol: TCP}, {name: "9091", port: 9091, protocol: TCP}]'
ports
#> http:8080/TCP->8080 a-name-of-more-than-15-characters:9090/TCP->9090 9091:9091/TCP->9091
contributor '[{name: Metrics, port: 9090, protocol: TCP}, {name: a.b, port: 65536, protocol: tcp}]'
#> The Service "web" is invalid:
#> * spec.ports[1].name: Invalid value: "Metrics": a lowercase RFC 1123 label must consist of…
#> * spec.ports[2].name: Invalid value: "a.b": must not contain dots
#> * spec.ports[2].port: Invalid value: 65536: must be between 1 and 65535, inclusive
#> * spec.ports[2].protocol: Unsupported value: "tcp": supported values: "SCTP", "TCP", "UDP"
#> * spec.ports[2].targetPort: Invalid value: 65536: must be between 1 and 65535, inclusive
