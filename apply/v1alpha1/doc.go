// Package v1alpha1 is the AdapterSet: which adapter ports a workload's
// container is to have, written down as a Kubernetes object. The same document
// works from a file and, as a custom resource, in the cluster, so whatever one
// of the two refuses, the other refuses as well. The exceptions are what the
// API server no longer sees or drops by itself: how a number was written, a
// null, and a status.
//
// It knows these cases:
//
//  1. spec.adapters lists the adapters themselves. An empty list means none
//     and takes the ports away; it is not the same as no list.
//  2. spec.discovery says where to ask for them. A set has one of the two.
//  3. An adapter that cannot have a port (a number that is none, an unknown
//     protocol, an odd type) is a fault of that port alone. The document is
//     accepted, and the port is reported Invalid when it is applied.
//  4. Anything that leaves open what was meant (an unknown or repeated field,
//     a null, a number written as 1e3 or "2049") refuses the whole input. A
//     null for adapters beside discovery leaves nothing open: it is no list.
//  5. A status is accepted and not read: kubectl get -o yaml prints one.
//
// [Read] and [ReadFiles] give [Document] values, with defaults filled in and
// the namespace as written; [CheckUnique] then refuses two documents for one
// name or one target. In the cluster, the markers on the types say the same to
// the API server, by the CRD that is generated from them.
//
// +kubebuilder:object:generate=true
// +groupName=portside.dev
package v1alpha1
