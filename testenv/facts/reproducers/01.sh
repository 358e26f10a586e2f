owner '[{name: http, containerPort: 8080}]'
contributor '[{name: metrics, containerPort: 9090, protocol: TCP}]'
before=$(version)
owner '[{name: http, containerPort: 8080}]'
contributor '[{name: metrics, containerPort: 9090, protocol: TCP}]'
[ "$(version)" = "$before" ] && echo unchanged
#> unchanged
