owner '[{name: http, port: 8080}]' '' 'type: NodePort,'
contributor '[{name: metrics, port: 9090, protocol: TCP}]'
before=$(nodePort metrics)
contributor '[{name: metrics, port: 9090, protocol: TCP, targetPort: 9091}]' # another target
contributor '[{name: metrics, port: 9092, protocol: TCP, targetPort: 9091}]' # another number
contributor '[{name: stats, port: 9092, protocol: TCP, targetPort: 9091}]'   # another name
[ "$(nodePort stats)" = "$before" ] && echo the same node port
#> the same node port
