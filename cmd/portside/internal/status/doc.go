// Package status says in an AdapterSet's status, and in events, what was found
// and done. It is pure: from what a reconciliation knows and the status as it
// was it makes the status as it is to be. Texts are the same as long as nothing
// changes: a text that differs is a write. A warning of package apply is in the
// message of its port, and an event when it is new there.
//
// The conditions follow kstatus
// (https://github.com/kubernetes-sigs/cli-utils/tree/master/pkg/kstatus), which
// Argo CD, Flux and others read: Ready is the port's truth, Reconciling means
// that something is still to happen by itself, Stalled that it will not unless
// somebody acts. Discovered is there where pods are asked.
package status
