owner '[{name: http, containerPort: 8080}]'
for name in a23456789012345 a234567890123456 Metrics m--s 9090 http; do
  contributor "[{name: '$name', containerPort: 9090, protocol: TCP}]"
done
#> The StatefulSet "web" is invalid: spec.template.spec.containers[0].ports[1].name: Invalid value: "a234567890123456": must be no more than 15 characters
#> The StatefulSet "web" is invalid: spec.template.spec.containers[0].ports[1].name: Invalid value: "Metrics": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)
#> The StatefulSet "web" is invalid: spec.template.spec.containers[0].ports[1].name: Invalid value: "m--s": must not contain consecutive hyphens
#> The StatefulSet "web" is invalid: spec.template.spec.containers[0].ports[1].name: Invalid value: "9090": must contain at least one letter (a-z)
#> The StatefulSet "web" is invalid: spec.template.spec.containers[0].ports[1].name: Duplicate value: "http"
contributor '[{name: m, containerPort: 65536, protocol: tcp}, {name: valid, containerPort: 9090, protocol: TCP}]'
#> The StatefulSet "web" is invalid:
#> * spec.template.spec.containers[0].ports[1].containerPort: Invalid value: 65536: must be between 1 and 65535, inclusive
#> * spec.template.spec.containers[0].ports[1].protocol: Unsupported value: "tcp": supported values: "SCTP", "TCP", "UDP"
