owner '[{name: http, port: 8080}]'
for target in a23456789012345 a234567890123456 '"9090"' m--s; do
  contributor "[{name: metrics, port: 9090, protocol: TCP, targetPort: $target}]"
done
#> The Service "web" is invalid: spec.ports[1].targetPort: Invalid value: "a234567890123456": must be no more than 15 characters
#> The Service "web" is invalid: spec.ports[1].targetPort: Invalid value: "9090": must contain at least one letter (a-z)
#> The Service "web" is invalid: spec.ports[1].targetPort: Invalid value: "m--s": must not contain consecutive hyphens
