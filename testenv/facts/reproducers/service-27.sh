owner '[{name: http, port: 8080}]' '' 'type: NodePort,'
contributor "[{name: metrics, port: 9090, protocol: TCP, nodePort: $(nodePort http)}]"
#> Error from server: duplicate nodePort: {TCP …}
kubectl create service nodeport other --tcp=80 --node-port="$(nodePort http)"
#> error: failed to create NodePort service: Service "other" is invalid: spec.ports[0].nodePort: Invalid value: …: provided port is already allocated
