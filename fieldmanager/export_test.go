package fieldmanager

import "sigs.k8s.io/structured-merge-diff/v4/fieldpath"

// SetOf returns the set that fields read and write.
func SetOf(f Fields) *fieldpath.Set { return f.read() }

// PathOf returns the path as tests take it apart.
func PathOf(p Path) fieldpath.Path { return p.path }

// CompareKeys orders keys as the answers of this package are sorted.
func CompareKeys(a, b Key) int { return a.compare(b) }
