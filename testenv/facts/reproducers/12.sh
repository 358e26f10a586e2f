template() { kubectl apply --server-side --field-manager=contributor -f - <<EOF
{apiVersion: v1, kind: PodTemplate, metadata: {name: web}, template: {metadata: {labels: {app: web}},
 spec: {containers: [{name: web, image: web:1, ports: [{containerPort: 8080, protocol: TCP}]}]}}}
EOF
}
store() { kubectl get --raw /metrics | grep '^etcd_requests_total.*podtemplates' | grep "\"$1\"" | grep -o '[0-9]*$'; }
template
reads=$(store get) writes=$(store update)
for i in 1 2 3; do template; done
echo $(($(store get) - reads)) reads, $(($(store update) - ${writes:-0})) writes
#> 3 reads, 0 writes
