// Package v1alpha1 has the types of the AdapterSet, which declares the adapter ports of
// a workload and of Services. The service reads it from the cluster, and portside sync
// from a file. The CRD is generated from the markers on the types; its rules apply to
// both:
//
//  1. spec.adapters lists the adapters. An empty list means none and removes the
//     ports; it is not the same as no list.
//  2. spec.discovery asks the pods for them. A set has at most one of the two.
//  3. A declared adapter that cannot have a port (a number that is not a port
//     number, an unknown protocol, a type without a letter or digit) is refused.
//  4. A null for adapters is no list.
//
// +kubebuilder:object:generate=true
// +groupName=portside.dev
package v1alpha1
