owner '[{name: http, containerPort: 8080}]'
contributor '[{name: metrics, containerPort: 9090, protocol: TCP}]'
contributor '[{name: metrics, containerPort: 9091, protocol: TCP}]' # its only owner
ports
#> http:8080/TCP metrics:9091/TCP
contributor '[{name: metrics, containerPort: 9091, protocol: TCP}]' '' third # a co-owner
contributor '[{name: metrics, containerPort: 9092, protocol: TCP}]'
#> The StatefulSet "web" is invalid: spec.template.spec.containers[0].ports[2].name: Duplicate value: "metrics"
contributor '[{name: metrics, containerPort: 9092, protocol: TCP}]' --force-conflicts third
#> The StatefulSet "web" is invalid: spec.template.spec.containers[0].ports[2].name: Duplicate value: "metrics"
