owner '[{name: http, port: 8080}]'
contributor '[{name: a, port: 9090, protocol: TCP}, {name: b, port: 9090, protocol: TCP}]'
#> Error from server: failed to create typed patch object (…/web; /v1, Kind=Service): .spec.ports: duplicate entries for key [port=9090,protocol="TCP"]
kubectl patch service web --type=json -p '[{"op": "add", "path": "/spec/ports/-", "value": {"name": "a", "port": 8080}}]'
#> The Service "web" is invalid: spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":8080,"TargetPort":0,"NodePort":0}
