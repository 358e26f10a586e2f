owner '[{name: http, port: 8080}]' '' 'type: NodePort,'
contributor '[{name: metrics, port: 9090, protocol: TCP}]'
before=$(nodePort metrics)
contributor '[{name: stats, port: 9091, protocol: TCP}]' # another number and another name
[ "$(nodePort stats)" = "$before" ] || echo another node port
#> another node port
