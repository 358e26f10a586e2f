owner '[{name: http, port: 8080}]' '' 'type: NodePort,'
contributor '[{name: metrics, port: 9090, protocol: TCP}]'
kubectl get service web --show-managed-fields -o jsonpath='{.metadata.managedFields[?(@.manager=="contributor")].fieldsV1}'
#> {"f:spec":{"f:ports":{"k:{\"port\":9090,\"protocol\":\"TCP\"}":{".":{},"f:name":{},"f:port":{},"f:protocol":{}}}}}
