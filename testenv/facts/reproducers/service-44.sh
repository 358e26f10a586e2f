owner '[{name: http, port: 8080}]' '' 'type: NodePort,'
contributor '[{name: metrics, port: 9090, protocol: TCP}]'
before=$(nodePort metrics)
kubectl get service web -o json | sed 's/"port": 9090/"port": 9099/' | kubectl replace -f -
ports
#> http:8080/TCP->8080 metrics:9099/TCP->9090
[ "$(nodePort metrics)" = "$before" ] && echo the same node port
#> the same node port
contributor '[{name: metrics, port: 9090, protocol: TCP}]'
#> The Service "web" is invalid: spec.ports[2].name: Duplicate value: "metrics"
