kubectl create -f - <<EOF
{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: field-managers}, spec: {
 matchConstraints: {objectSelector: {matchLabels: {field-managers: checked}}, resourceRules: [
  {apiGroups: [apps], apiVersions: [v1], operations: [UPDATE], resources: [statefulsets]}]},
 validations: [{expression: "request.options.fieldManager != 'third' && !has(request.options.force)"}]}}
---
{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: field-managers},
 spec: {policyName: field-managers, validationActions: [Deny]}}
EOF
owner '[{name: http, containerPort: 8080}]' && kubectl label statefulset web field-managers=checked
until contributor '[{name: metrics, containerPort: 9090, protocol: TCP}]' --dry-run=server third 2>&1 | grep denied; do sleep 1; done
#> The statefulsets "web" is invalid: : ValidatingAdmissionPolicy 'field-managers' with binding 'field-managers' denied request: failed expression: request.options.fieldManager != 'third' && !has(request.options.force)
contributor '[{name: web-ui, containerPort: 8080, protocol: TCP}]' --force-conflicts && ports # force is not seen
#> web-ui:8080/TCP
kubectl delete validatingadmissionpolicy,validatingadmissionpolicybinding field-managers
