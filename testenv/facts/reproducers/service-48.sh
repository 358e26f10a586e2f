pod() { kubectl apply --server-side -f - <<EOF
{apiVersion: v1, kind: Pod, metadata: {name: $1, labels: {app: web}}, spec: {terminationGracePeriodSeconds: 0,
 containers: [{name: web, image: nginx, ports: $2}]}}
EOF
}
slices() { kubectl get endpointslices -l kubernetes.io/service-name=web -o jsonpath='{range .items[*]}{.ports[*].port}{" of "}{.endpoints[*].targetRef.name}{"\n"}{end}' | sort; }
pod old '[{name: metrics, containerPort: 9090}]'
pod new '[{name: metrics, containerPort: 9091}]'
pod without '[]'
owner '[{name: http, port: 8080}]'
contributor '[{name: metrics, port: 9090, protocol: TCP, targetPort: metrics}]'
until slices | grep old && slices | grep new && slices | grep without; do sleep 1; done
slices
#> 8080 9090 of old
#> 8080 9091 of new
#> 8080 of without
