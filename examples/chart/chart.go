// Package chart has the Helm chart that installs portside, embedded. Its templates
// are the source of what `portside install` prints as well.
package chart

import "embed"

// CRD is the file with the CRD of AdapterSets.
const CRD = "crds/portside.dev_adaptersets.yaml"

// Metadata is the file with the name and the versions of the chart, Values the one with
// the default values, and Templates the folder of the templates.
const (
	Metadata  = "Chart.yaml"
	Values    = "values.yaml"
	Templates = "templates"
)

// Files are those of the chart that an installation is made of.
//
//go:embed Chart.yaml crds values.yaml all:templates
var Files embed.FS
