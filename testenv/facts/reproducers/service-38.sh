owner '[{name: http, port: 8080}]'
contributor '[{name: metrics, port: 9090, protocol: TCP}]'
kubectl patch service web --type=merge -p '{"metadata": {"managedFields": [{}]}}'
contributor '[{name: metrics, port: 9090, protocol: TCP, targetPort: 9091}]'
#> error: Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .spec.ports[port=9090,protocol="TCP"].targetPort
contributor '[{name: metrics, port: 9090, protocol: TCP, targetPort: 9090}]'
kubectl get service web --show-managed-fields -o jsonpath='{.metadata.managedFields[*].manager}'
#> contributor before-first-apply
