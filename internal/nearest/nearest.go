// Package nearest finds the known name that was probably meant by an unknown name.
package nearest

import (
	"cmp"
	"slices"
	"strings"
)

// Name returns the known name with the fewest changes from the written name, or "" when all names need more than most
// changes. It ignores case. Of equally near names it returns the first.
func Name(written string, known []string, most int) string {
	best, least := "", most+1
	for _, name := range known {
		if d := distance(strings.ToLower(written), strings.ToLower(name), least); d < least {
			best, least = name, d
		}
	}
	return best
}

// Order returns the names by the number of changes from the written name, the nearest first. Names that contain the
// written name come before all others: a user may have written a part of the name.
func Order(written string, names []string) []string {
	written = strings.ToLower(written)
	type place struct{ others, changes int }
	places := make(map[string]place, len(names))
	for _, name := range names {
		lower := strings.ToLower(name)
		at := place{changes: distance(written, lower, len(written)+len(name)+1)}
		if !strings.HasPrefix(lower, written) && !contains(lower, written) {
			at.others = 1
		}
		places[name] = at
	}
	return slices.SortedStableFunc(slices.Values(names), func(a, b string) int {
		return cmp.Or(places[a].others-places[b].others, places[a].changes-places[b].changes)
	})
}

// Like returns those of the names that have much in common with the written name, in the order of Order: one of the two
// contains the other, or at most half of the name's letters change.
func Like(written string, names []string) []string {
	lower := strings.ToLower(written)
	return slices.DeleteFunc(Order(written, names), func(name string) bool {
		name = strings.ToLower(name)
		most := len(name) / 2
		return !contains(name, lower) && !contains(lower, name) && distance(lower, name, most+1) > most
	})
}

// contains reports whether a name has a part. One or two letters are in many names by chance.
func contains(name, part string) bool { return len(part) > 2 && strings.Contains(name, part) }

// distance returns the number of letters to insert, remove, change or swap, at most limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
