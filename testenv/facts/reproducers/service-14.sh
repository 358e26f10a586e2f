owner '[{name: http, port: 8080}, {name: https, port: 8443}]'
contributor '[{port: 8443, protocol: TCP, targetPort: 6060}]' # no name, no conflict
owner '[{name: http, port: 8080}, {name: https, port: 8443}]'
ports
#> http:8080/TCP->8080 https:8443/TCP->6060
