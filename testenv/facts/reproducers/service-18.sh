owner '[{name: http, port: 8080}]'
contributor '[{name: metrics, port: 9090, protocol: TCP, targetPort: 9091}]'
owner '[{name: http, port: 8080}, {name: stats, port: 9090, targetPort: 9090}]' --force-conflicts
kubectl get service web --show-managed-fields -o jsonpath='{.metadata.managedFields[?(@.manager=="contributor")].fieldsV1}'
#> {"f:spec":{"f:ports":{"k:{\"port\":9090,\"protocol\":\"TCP\"}":{".":{},"f:port":{},"f:protocol":{}}}}}
