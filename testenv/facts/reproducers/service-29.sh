contributor '[{name: metrics, port: 9090, protocol: TCP}]' # the Service does not exist
ports
#> metrics:9090/TCP->9090
with_uid() { kubectl apply --server-side --field-manager=contributor -f - <<EOF
{apiVersion: v1, kind: Service, metadata: {name: $1, uid: 11111111-2222-3333-4444-555555555555}, spec: {ports: [{port: 1, protocol: TCP}]}}
EOF
}
with_uid missing
#> error: Operation cannot be fulfilled on services "missing": uid mismatch: the provided object specified uid 11111111-2222-3333-4444-555555555555, and no existing object was found
with_uid web # another object of this name
#> The Service "web" is invalid: metadata.uid: Invalid value: "11111111-2222-3333-4444-555555555555": field is immutable
