owner '[{name: http, port: 8080}]' '' 'type: NodePort,'
contributor '[{name: metrics, port: 9090, protocol: TCP}]'
before=$(nodePort metrics)
contributor '[]'
contributor "[{name: other, port: 1, protocol: TCP, nodePort: $before}]" '' third # the number is free at once
contributor '[{name: metrics, port: 9090, protocol: TCP}]'
[ "$(nodePort metrics)" = "$before" ] || echo another node port
#> another node port
