package main

import (
	"bytes"
	"errors"
	"runtime/debug"
	"strings"

	"github.com/CycloneDX/cyclonedx-go"
)

// billOf returns the bill of materials: the modules that the linker reports to be in
// portside, Go's own packages, and the roots. It has neither a serial number
// nor a time, which the format leaves to choice and which no two builds share.
func billOf(b binary, version string) ([]byte, error) {
	roots, err := rootsVersion()
	if err != nil {
		return nil, err
	}
	main := component(cyclonedx.ComponentTypeApplication, b.info.Main.Path, version)
	main.Licenses = &cyclonedx.Licenses{{License: &cyclonedx.License{ID: "Apache-2.0"}}}
	components := []cyclonedx.Component{
		component(cyclonedx.ComponentTypeLibrary, "std", strings.TrimPrefix(b.info.GoVersion, "go")),
	}
	for _, dep := range b.info.Deps {
		if dep.Replace != nil {
			dep = dep.Replace
		}
		components = append(components, component(cyclonedx.ComponentTypeLibrary, dep.Path, dep.Version))
	}
	components = append(components, component(cyclonedx.ComponentTypeData, rootsModule, roots))

	all := cyclonedx.NewBOM()
	all.Metadata = &cyclonedx.Metadata{Component: &main}
	all.Components = &components
	depends := make([]string, 0, len(components))
	for _, c := range components {
		depends = append(depends, c.BOMRef)
	}
	all.Dependencies = &[]cyclonedx.Dependency{{Ref: main.BOMRef, Dependencies: &depends}}
	var out bytes.Buffer
	err = cyclonedx.NewBOMEncoder(&out, cyclonedx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(all, cyclonedx.SpecVersion1_6)
	return out.Bytes(), err
}

// component is a Go module as package URLs name it, see
// https://github.com/package-url/purl-spec/blob/main/types-doc/golang-definition.md.
func component(kind cyclonedx.ComponentType, path, version string) cyclonedx.Component {
	url := "pkg:golang/" + strings.ToLower(path) + "@" + strings.ReplaceAll(version, "+", "%2B")
	return cyclonedx.Component{Type: kind, BOMRef: url, Name: path, Version: version, PackageURL: url}
}

// rootsVersion is the version of the roots that this program was built with.
func rootsVersion() (string, error) {
	info, ok := debug.ReadBuildInfo()
	if ok {
		for _, dep := range info.Deps {
			if dep.Path == rootsModule {
				return dep.Version, nil
			}
		}
	}
	return "", errors.New("this program does not know the version of " + rootsModule + ": build it with modules")
}
