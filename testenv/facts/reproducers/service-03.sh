owner '[{name: http, port: 8080}]'
echo "[$(kubectl get service web -o jsonpath='{.metadata.generation}')]"
#> []
