contributor '[{name: metrics, containerPort: 9090, protocol: TCP}]'
#> The StatefulSet "web" is invalid:
#> * spec.selector: Required value
#> * spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`
#> * spec.template.spec.containers[0].image: Required value
with_uid() { kubectl apply --server-side --field-manager=contributor -f - <<EOF
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: web, uid: $1}, spec: {template: {spec: {
 containers: [{name: web, ports: [{name: metrics, containerPort: 9090, protocol: TCP}]}]}}}}
EOF
}
with_uid 11111111-2222-3333-4444-555555555555 # missing
#> error: Operation cannot be fulfilled on statefulsets.apps "web": uid mismatch: the provided object specified uid 11111111-2222-3333-4444-555555555555, and no existing object was found
owner '[{name: http, containerPort: 8080}]'
with_uid 11111111-2222-3333-4444-555555555555 # recreated
#> The StatefulSet "web" is invalid: metadata.uid: Invalid value: "11111111-2222-3333-4444-555555555555": field is immutable
