owner '[{name: http, containerPort: 8080}]'
contributor '[{name: metrics, containerPort: 9090, protocol: TCP}]'
owner '[{name: http, containerPort: 8080}]' '' server # renames the container
#> The StatefulSet "web" is invalid: spec.template.spec.containers[0].image: Required value
owner '[{name: http, containerPort: 8080}]' --force-conflicts server
#> The StatefulSet "web" is invalid: spec.template.spec.containers[0].image: Required value
kubectl set image statefulset web web=web:2
owner '[{name: http, containerPort: 8080}]' '' server # now it has an image of another manager
kubectl get statefulset web -o jsonpath='{.spec.template.spec.containers[*].name}'
#> web server
