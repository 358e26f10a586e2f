for type in 'type: ClusterIP,' 'type: NodePort,' 'type: LoadBalancer,' 'clusterIP: None,' 'type: ExternalName, externalName: example.com,'; do
  owner '[{name: http, port: 8080}]' '' "$type" >/dev/null
  contributor '[{name: metrics, port: 9090, protocol: TCP}]' >/dev/null
  before=$(version)
  owner '[{name: http, port: 8080}]' '' "$type" >/dev/null
  contributor '[{name: metrics, port: 9090, protocol: TCP}]' >/dev/null
  [ "$(version)" = "$before" ] && echo "$type unchanged"
  kubectl delete service web >/dev/null
done
#> type: ClusterIP, unchanged
#> type: NodePort, unchanged
#> type: LoadBalancer, unchanged
#> clusterIP: None, unchanged
#> type: ExternalName, externalName: example.com, unchanged
