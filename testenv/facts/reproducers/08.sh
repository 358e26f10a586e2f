owner '[{name: http, containerPort: 8080}]' '' server
contributor '[{name: metrics, containerPort: 9090, protocol: TCP}]' # of the container web
#> The StatefulSet "web" is invalid: spec.template.spec.containers[1].image: Required value
