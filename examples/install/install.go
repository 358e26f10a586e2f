// Package install has the manifests that install portside, embedded as they are
// in this folder. The folder is a kustomize base as well; `portside install`
// prints it for a namespace, a field manager and a version of Kubernetes.
package install

import "embed"

// Base is the name of the file that lists the manifests, in the order in which
// they are applied.
const Base = "kustomization.yaml"

// CRD is the name of the file with the CRD of AdapterSets.
const CRD = "crd/portside.dev_adaptersets.yaml"

// Manifests are the files of this folder: [Base] and what it lists.
//
//go:embed kustomization.yaml *.yaml crd rbac policy
var Manifests embed.FS
