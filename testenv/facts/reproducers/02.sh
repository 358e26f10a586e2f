owner '[{name: http, containerPort: 8080}, {containerPort: 9090}]'
contributor '[{name: web-ui, containerPort: 8080, protocol: TCP}]'
#> error: Apply failed with 1 conflict: conflict with "owner": .spec.template.spec.containers[name="web"].ports[containerPort=8080,protocol="TCP"].name
contributor '[{name: metrics, containerPort: 9090, protocol: TCP}]'
ports
#> http:8080/TCP metrics:9090/TCP
owner '[{name: http, containerPort: 8080}, {name: stats, containerPort: 9090}]'
#> error: Apply failed with 1 conflict: conflict with "contributor": .spec.template.spec.containers[name="web"].ports[containerPort=9090,protocol="TCP"].name
