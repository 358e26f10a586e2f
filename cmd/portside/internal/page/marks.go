package page

import (
	"slices"

	"github.com/portside-dev/portside/cmd/portside/internal/ownership"
	"github.com/portside-dev/portside/fieldmanager"
)

// mark is how the page shows a manager.
type mark struct {
	// Letters are A for the first manager of the page; AA follows Z.
	Letters string
	// Color is the class of the manager's colour.
	Color string
	// Name and Full are the manager's name, without and with its operation.
	Name, Full string
}

// marks are those of all managers of a page.
type marks map[fieldmanager.Manager]mark

func marksOf(objects []Object) marks {
	var all []fieldmanager.Manager
	for _, o := range objects {
		for _, w := range o.Managers {
			all = append(all, w.Manager)
		}
	}
	slices.SortFunc(all, fieldmanager.Manager.Compare)
	ms := marks{}
	for i, m := range slices.Compact(all) {
		ms[m] = mark{letters(i), managerColors[i%len(managerColors)].name, cut(clean(m.Name)), cut(clean(m.String()))}
	}
	return ms
}

// letters returns A to Z, AA to AZ, and so on, as spreadsheets name columns.
func letters(i int) string {
	var text string
	for ; i >= 0; i = i/26 - 1 {
		text = string(rune('A'+i%26)) + text
	}
	return text
}

func (ms marks) of(managers []fieldmanager.Manager) []mark {
	var list []mark
	for _, m := range managers {
		list = append(list, ms[m])
	}
	return list
}

// named returns the mark of the manager of the tree with a name, if there is exactly one:
// the history knows names alone.
func (ms marks) named(name string, t *ownership.Tree) mark {
	var found []mark
	for _, w := range t.Managers {
		if w.Name == name {
			found = append(found, ms[w.Manager])
		}
	}
	if len(found) != 1 {
		return mark{Name: cut(clean(name))}
	}
	return found[0]
}
