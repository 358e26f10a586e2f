for type in 'type: ClusterIP,' 'type: NodePort,' 'type: LoadBalancer,' 'clusterIP: None,' 'type: ExternalName, externalName: example.com,'; do
  owner '[]' '' "$type"
  kubectl delete service web --ignore-not-found >/dev/null
done
#> The Service "web" is invalid: spec.ports: Required value
#> The Service "web" is invalid: spec.ports: Required value
#> The Service "web" is invalid: spec.ports: Required value
#> service/web serverside-applied
#> service/web serverside-applied
