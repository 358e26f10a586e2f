owner '[{name: dns, port: 53, protocol: UDP}]'
contributor '[{name: dns-tcp, port: 53, protocol: TCP}]'
contributor '[{name: dns-tcp, port: 53, protocol: TCP, targetPort: 5353}]'
ports
#> dns:53/UDP->53 dns-tcp:53/TCP->5353
contributor '[]'
ports
#> dns:53/UDP->53
