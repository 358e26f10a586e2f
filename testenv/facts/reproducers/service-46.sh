pod() { kubectl apply --server-side -f - <<EOF
{apiVersion: v1, kind: Pod, metadata: {name: $1, labels: {app: web}}, spec: {terminationGracePeriodSeconds: 0,
 containers: [{name: web, image: nginx, ports: $2}]}}
EOF
}
slices() { kubectl get endpointslices -l kubernetes.io/service-name=web -o jsonpath='{range .items[*]}{.ports[*].port}{" of "}{.endpoints[*].targetRef.name}{"\n"}{end}' | sort; }
pod web-0 '[]'
owner '[{name: http, port: 8080}]'
contributor '[{name: metrics, port: 9090, protocol: TCP, targetPort: 9091}]'
until slices | grep '9091 of web-0'; do sleep 1; done
contributor '[{name: metrics, port: 9090, protocol: TCP, targetPort: 9092}]'
until slices | grep '9092 of web-0'; do sleep 1; done
slices | wc -l
#> 8080 9092 of web-0
#> 1
